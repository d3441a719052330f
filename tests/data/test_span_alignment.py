import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.data.span_alignment import TokenPlaces


def naive(text, offsets, start, end):
    """A token belongs to a span if they share a character that is no white space, or that lies within the token."""
    tokens = []
    for number, (first, last) in enumerate(offsets):
        inner = set(range(first, last))
        while inner and text[min(inner)].isspace():
            inner.discard(min(inner))
        while inner and text[max(inner)].isspace():
            inner.discard(max(inner))
        if inner & set(range(start, end)):
            tokens.append(number)
    return tokens


def places_of(tokenizer, text):
    encoded = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
    return encoded["offset_mapping"], tokenizer.convert_ids_to_tokens(encoded["input_ids"])


TEXT = "Paris Paris, New York City over the York-based overheads"


def covered(tokenizer, text, spans):
    offsets, _ = places_of(tokenizer, text)
    found = TokenPlaces(text, offsets).find(spans)
    return [
        (min(offsets[t][0] for t in range(first, last)), max(offsets[t][1] for t in range(first, last)))
        for first, last in found
    ]


def test_each_mention_has_tokens_of_its_own(tokenizer):
    def of(word, nth=0):
        start = -1
        for _ in range(nth + 1):
            start = TEXT.index(word, start + 1)
        return start, start + len(word)

    cases = {
        "repeated at once": [of("Paris"), of("Paris", 1)],
        "nested": [of("New York City"), of("New York"), of("York")],
        "adjacent, touching": [of("over", 1), of("heads")],
        "not at a blank": [of("based")],
    }
    for name, spans in cases.items():
        for span, (first, last) in zip(spans, covered(tokenizer, TEXT, spans), strict=True):
            assert first <= span[0] or TEXT[first - 1].isspace(), name
            assert last >= span[1], name
            if name != "adjacent, touching" and name != "not at a blank":
                assert TEXT[first:last].strip() == TEXT[slice(*span)], name


@given(data=st.data())
@settings(max_examples=60)
@pytest.mark.parametrize("family", ["wordpiece", "byte level", "byte level, blanks", "unigram"])
def test_it_is_the_naive_overlap(tokenizers, family, data):
    words = st.sampled_from(["York", "Paris", " ", "  ", "\n", "-", "naïve", "½", "日本", "over", "heads", "x̂", "."])
    text = "".join(data.draw(st.lists(words, min_size=1, max_size=12)))
    spans = data.draw(
        st.lists(
            st.tuples(st.integers(0, len(text) - 1), st.integers(1, 8)).map(
                lambda pair: (pair[0], min(len(text), sum(pair)))
            ),
            max_size=6,
        )
    )
    offsets, _ = places_of(tokenizers[family], text)
    found = TokenPlaces(text, offsets).find(spans)
    for (start, end), (first, last) in zip(spans, found, strict=True):
        expected = naive(text, offsets, start, end)
        if expected:
            assert (first, last) == (expected[0], expected[-1] + 1)
        else:
            assert (first, last) == (0, 0)


def test_a_token_of_a_blank_alone_is_no_ones():
    places = TokenPlaces("a b", [(0, 1), (1, 2), (2, 3)], first_token=10)
    assert places.find([(0, 3), (1, 2), (2, 3), (0, 1)]).tolist() == [[10, 13], [0, 0], [12, 13], [10, 11]]


def test_no_tokens_and_no_spans():
    assert TokenPlaces("", []).find([(0, 1)]).tolist() == [[0, 0]]
    assert TokenPlaces("a", [(0, 1)]).find([]).shape == (0, 2)
