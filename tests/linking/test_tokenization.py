from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.linking.tokenization import folded_word, tokenize_many


def tokens(text):
    points, _, raw = tokenize_many([text])
    return [
        (text[start:end], folded_word(points, start, bare), segment)
        for start, end, bare, segment in zip(raw.starts, raw.ends, raw.bare_ends, raw.segments, strict=True)
    ]


def words(text):
    return [word for _, word, _ in tokens(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Dogs bark", ["the", "dogs", "bark"]),
        ("ice-cream_van", ["ice", "cream", "van"]),
        ("the dog's and the dog’S bone", ["the", "dog", "and", "the", "dog", "bone"]),
        ("I don’t know", ["i", "don't", "know"]),
        ("rock'n'roll, dogs'", ["rock'n'roll", "dogs"]),
        ("3.5 inches, 10,000 of 1,2 at 4:20.", ["3.5", "inches", "10000", "of", "1", "2", "at", "4:20"]),
        ("the U.S. or U.S.A", ["the", "us", "or", "usa"]),
        ("AT&T asp.net C++ C# 1+2", ["at", "t", "asp", "net", "c++", "c#", "1", "2"]),
        ("İstanbul STRASSE straße", ["istanbul", "strasse", "straße"]),
        ("cafe\u0301 co\u00adop a\u200bb", ["cafe\u0301", "coop", "a", "b"]),
        ("hot🐶dog 👩\u200d🚒! 北京", ["hot", "🐶", "dog", "👩🚒", "北", "京"]),
        ("שלום עולם a\x00b", ["שלום", "עולם", "a", "b"]),
        ("\ud800x\udfff", ["x"]),
        ("?! …", []),
        ("", []),
    ],
)
def test_words_of_a_text(text, expected):
    assert words(text) == expected


def test_a_word_is_known_by_its_place():
    assert tokens("See the U.S. army's ships.") == [
        ("See", "see", 0),
        ("the", "the", 0),
        ("U.S.", "us", 0),
        ("army's", "army", 0),
        ("ships", "ships", 0),
    ]


@pytest.mark.parametrize("mark", [". ", ",", ";", ":", "!", "?", "(", '"', "“", "—", "…", "[", "。", "؟"])
def test_punctuation_begins_a_new_segment(mark):
    assert [segment for _, _, segment in tokens(f"dog{mark}cat")] == [0, 1]


@pytest.mark.parametrize("mark", ["-", "_", " ", "/", ".", "&", "%"])
def test_what_joins_words_does_not(mark):
    assert [segment for _, _, segment in tokens(f"dog{mark}cat")] == [0, 0]


@given(st.text(st.characters(codec=None)))
def test_words_lie_in_order_within_the_text(text):
    _, _, raw = tokenize_many([text])
    end = 0
    for start, bare, stop in zip(raw.starts, raw.bare_ends, raw.ends, strict=True):
        assert end <= start < bare <= stop <= len(text)
        end = stop
    assert all(a <= b for a, b in pairwise(raw.segments))


@given(st.lists(st.text(st.characters(codec=None), max_size=8), max_size=4))
def test_texts_are_read_apart(texts):
    _, offsets, raw = tokenize_many(texts)
    for i, text in enumerate(texts):
        _, _, alone = tokenize_many([text])
        low, high = raw.offsets[i : i + 2]
        assert (raw.starts[low:high] - offsets[i]).tolist() == alone.starts.tolist()
        assert raw.hashes[low:high].tolist() == alone.hashes.tolist()
        assert raw.flags[low:high].tolist() == alone.flags.tolist()
