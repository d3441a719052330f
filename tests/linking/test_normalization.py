from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.linking.normalization import STOP_WORDS, keys, tokenize


def words(text):
    return [token.surface for token in tokenize(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Dogs bark", ["dogs", "bark"]),
        ("ice-cream_van", ["ice", "cream", "van"]),
        ("the dog's bone", ["dog", "bone"]),
        ("the dog’s bone", ["dog", "bone"]),
        ("who's he? where's a dog, let's see", ["dog", "let", "see"]),
        ("I don’t know", ["know"]),
        ("rock'n'roll", ["rock'n'roll"]),
        ("to be or not to be", ["to", "be", "or", "not", "to", "be"]),
        ("to cheer him up", ["cheer", "up"]),
        ("3.5 inches", ["3", "5", "inches"]),
        ("?! …", []),
        ("", []),
    ],
)
def test_words_of_a_text(text, expected):
    assert words(text) == expected


def test_tokens_are_lemmatised():
    assert keys(tokenize("running dogs")) == ("running dogs", "run dog")


@pytest.mark.parametrize("mark", [".", ",", ";", ":", "!", "?", "(", '"', "“", "—", "…", "["])
def test_punctuation_begins_a_new_segment(mark):
    first, second = tokenize(f"dog{mark} cat")
    assert (first.segment, second.segment) == (0, 1)


@pytest.mark.parametrize("mark", ["-", "_", " ", "/", "  the "])
def test_what_is_no_punctuation_does_not(mark):
    assert [token.segment for token in tokenize(f"dog{mark}cat")] == [0, 0]


@given(st.text())
def test_tokens_lie_in_order_within_the_text(text):
    tokens = tokenize(text)
    end = 0
    for token in tokens:
        assert end <= token.start < token.end <= len(text)
        assert text[token.start : token.end].lower().replace("’", "'").startswith(token.surface)
        end = token.end
    assert all(a.segment <= b.segment for a, b in pairwise(tokens))


@given(st.lists(st.sampled_from([*sorted(STOP_WORDS), "dog", "cat"]), max_size=6))
def test_stop_words_count_only_where_there_is_nothing_else(chosen):
    content = [word for word in chosen if word in ("dog", "cat")]
    assert words(" ".join(chosen)) == (content or chosen)
