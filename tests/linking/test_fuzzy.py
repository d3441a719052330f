import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.linking.fuzzy import FuzzyIndex

FORMS = ["dog", "hot dog", "Hot dog stand", "elephant", "relevant", "ice cream", "café"]


@pytest.fixture(scope="module")
def index():
    return FuzzyIndex(FORMS)


def distance(a, b):
    """Edits between two strings, swaps of neighbours among them, by the textbook recurrence."""
    rows = [[max(i, j) if not i * j else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            change = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1])
            rows[i][j] = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, change)
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                rows[i][j] = min(rows[i][j], rows[i - 2][j - 2] + 1)
    return rows[-1][-1]


@pytest.mark.parametrize(
    ("typo", "form"),
    [("elefant", "elephant"), ("hto dog", "hot dog"), ("HOT DOG STNAD", "Hot dog stand"), ("icecream", "ice cream")],
)
def test_the_form_that_was_meant_comes_first(index, typo, form):
    (found,) = index.search([typo])
    assert FORMS[found[0].number] == form


@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from([*FORMS, "do", "elephan", "ho"])), max_size=4))
def test_similarity_is_by_edits_and_best_first(index, strings):
    for string, found in zip(strings, index.search(strings, k=3, least=0.3), strict=True):
        assert len(found) <= 3
        values = [similar.similarity for similar in found]
        assert values == sorted(values, reverse=True)
        for similar in found:
            a, b = string.casefold(), FORMS[similar.number].casefold()
            assert similar.similarity == pytest.approx(1 - distance(a, b) / max(len(a), len(b)))
            assert similar.similarity >= 0.3


def test_what_resembles_nothing_finds_nothing(index):
    assert index.search(["", "zzzzqq", "!!"]) == [[], [], []]
    assert FuzzyIndex([]).search(["dog"]) == [[]]
    assert index.search([]) == []


@pytest.mark.parametrize("wrong", [{"k": 0}, {"least": 1.5}])
def test_what_is_asked_for_is_checked(index, wrong):
    with pytest.raises(ValueError, match="expected at least 1, and 0 to 1"):
        index.search(["dog"], **wrong)
