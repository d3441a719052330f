import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.data.facts.words import content_words, is_near_duplicate


def test_content_words_are_base_forms_without_stop_words_but_never_nothing():
    assert content_words("The dogs weren't running") == {"dog", "run"}
    assert content_words("It is what it is") == {"it", "is", "what"}
    assert content_words("?!") == frozenset()


@pytest.mark.parametrize(
    ("question", "text", "duplicate"),
    [
        ("Where do dogs sleep at night?", "where do DOGS sleep, at night", True),
        ("Where do dogs sleep at night?", "where would a dog sleep at night", True),
        (
            "Where do dogs sleep at night?",
            "As one asked: where do dogs sleep at night, in kennels or on sofas?",
            True,
        ),
        ("Where do dogs sleep at night?", "Where do cats sleep in the day?", False),
        ("Where do dogs sleep at night?", "Dogs are animals.", False),
        ("Dogs sleep?", "Big dogs sleep in the large kennel behind the house", False),
        ("", "", True),
    ],
)
def test_copies_are_told_from_texts_about_the_same(question, text, duplicate):
    assert is_near_duplicate(question, text, 0.8) == duplicate


words = st.lists(st.sampled_from("dog cat sleep night kennel eat soup table where".split()), min_size=1, max_size=7)


@given(words, words, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_near_duplicates_are_those_of_the_definition(question, text, overlap):
    one, other = set(question) - {"where"} or {"where"}, set(text) - {"where"} or {"where"}
    jaccard = len(one & other) / len(one | other)
    contained = len(question) >= 3 and any(
        text[i : i + len(question)] == question for i in range(len(text) - len(question) + 1)
    )
    near = jaccard >= overlap - 1e-9 or contained
    assert is_near_duplicate(" ".join(question), " ".join(text), overlap) == near
