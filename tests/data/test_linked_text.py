import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.data.linked_text import LinkedText, certain_mention, join_tokens
from kglm.errors import DataError


def test_words_are_joined_and_found_again():
    joined = join_tokens(["New", "York", "\n ", "is", "a\xa0b", ""])
    assert joined.text == "New York is a b"
    assert joined.text[slice(*joined.span(0, 2))] == "New York"
    assert joined.text[slice(*joined.span(3, 5))] == "is a b"
    with pytest.raises(DataError, match="the words 2 to 9 of 6"):
        joined.span(2, 9)


@given(st.lists(st.text(max_size=5), max_size=8))
def test_each_word_stands_where_it_is_said_to(words):
    joined = join_tokens(words)
    assert joined.text == " ".join(joined.text.split())
    for word, (start, end) in zip(words, joined.places, strict=True):
        assert joined.text[start:end] == " ".join(word.split())


def test_a_mention_outside_the_text_is_refused():
    mention = certain_mention("New York", 4, 8, 7)
    assert (mention.text, mention.candidates[0].entity) == ("York", 7)
    with pytest.raises(DataError, match="the characters 4 to 8 of a text of 3"):
        LinkedText("New", (mention,))
