import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import ConfigError, DataError
from kglm.retrieval.lexical_index import LexicalIndex
from kglm.retrieval.words import words_of

TEXTS = [
    "Dogs bark at the moon",
    "a dog and another dog",
    "cats purr",
    "The moon is bright tonight",
    "",
    "Straße ÜBER wasser",
    "bark of a tree, tree bark",
    "x",
]


def bm25_naively(query, texts, k1=1.5, b=0.75):
    """Return the score of each text: idf as in Lucene, term frequency saturated by k1, normalised by length."""
    documents = [words_of(text) for text in texts]
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for words in documents:
        total = 0.0
        for word in words_of(query):
            having = sum(word in other for other in documents)
            idf = math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
            count = words.count(word)
            total += idf * count / (count + k1 * (1 - b + b * len(words) / mean))
        scores.append(total)
    return scores


@pytest.mark.parametrize("opened", [False, True])
def test_scores_are_those_of_the_formula(tmp_path, opened):
    index = LexicalIndex.build([TEXTS[:3], TEXTS[3:]], tmp_path / "i")
    index = LexicalIndex.open(tmp_path / "i") if opened else index
    queries = ["dog", "barking dogs and the moon", "STRASSE", "tree tree"]
    scores, positions = index.search(queries, 5)
    assert (scores.dtype, positions.dtype) == (np.float32, np.int64)
    for row, query in enumerate(queries):
        expected = {i: s for i, s in enumerate(bm25_naively(query, TEXTS)) if s > 0}
        found = {i: s for i, s in zip(positions[row].tolist(), scores[row].tolist(), strict=True) if i != -1}
        assert found == pytest.approx(expected, rel=1e-5)
        assert (np.diff(scores[row][: len(found)]) <= 0).all()


def test_what_shares_no_word_is_not_found(tmp_path):
    index = LexicalIndex.build([TEXTS], tmp_path / "i")
    scores, positions = index.search(["zebra", "", "the", "cat"], 20)
    assert (positions[:3] == -1).all()
    assert np.isneginf(scores[:3]).all()
    assert positions[3].tolist() == [2] + [-1] * 19
    assert index.search([], 3)[1].shape == (0, 3)


def test_words():
    assert words_of("The Dogs' houses, 2nd-hand!") == ["dog", "house", "2nd", "hand"]
    assert words_of("The Dogs", "none") == ["the", "dogs"]
    with pytest.raises(ConfigError, match="language is 'de'; allowed: en, none"):
        words_of("Hunde", "de")


@pytest.mark.parametrize(
    ("options", "texts", "error", "message"),
    [
        ({"b": 2}, TEXTS, ConfigError, "b 2; allowed"),
        ({"k1": -1}, TEXTS, ConfigError, "k1 is -1"),
        ({}, ["", "the"], DataError, "no text holds a word"),
    ],
)
def test_what_cannot_be_indexed(tmp_path, options, texts, error, message):
    with pytest.raises(error, match=message):
        LexicalIndex.build([texts], tmp_path / "i", **options)


def test_document_frequencies_are_those_of_a_count(tmp_path):
    texts = ["dogs sleep", "a dog eats", "cats sleep and cats eat", "dog dog dog"]
    index = LexicalIndex.build([texts[:2], texts[2:]], tmp_path / "index")
    for opened in (index, LexicalIndex.open(tmp_path / "index")):
        for word in ("dog", "cat", "sleep", "eat", "mouse"):
            assert opened.document_frequency(word) == sum(word in words_of(text) for text in texts)


words = st.lists(st.sampled_from("dog cat bark moon tree purr x".split()), max_size=4).map(" ".join)


@given(st.lists(words.filter(bool), min_size=1, max_size=12), words, st.lists(words, max_size=3), st.integers(1, 5))
def test_the_best_among_what_holds_a_word_are_those_of_the_whole_ranking(texts, text, others, k):
    with tempfile.TemporaryDirectory() as folder:
        index = LexicalIndex.build([texts], Path(folder) / "index")
        scores, positions = index.search_holding(text, others, k)
        assert scores.shape == positions.shape == (len(others), k)
        for row, other in enumerate(others):
            ranked = zip(*(part[0].tolist() for part in index.search([f"{text} {other}"], len(texts))), strict=True)
            held = [(s, p) for s, p in ranked if p >= 0 and set(words_of(other)) & set(words_of(texts[p]))]
            count = min(k, len(held))
            assert (positions[row] >= 0).sum() == count
            assert scores[row, :count] == pytest.approx(sorted((s for s, _ in held), reverse=True)[:count], rel=1e-5)
            by_position = {p: s for s, p in held}
            for score, position in zip(scores[row, :count], positions[row, :count].tolist(), strict=True):
                assert score == pytest.approx(by_position[position], rel=1e-5)
