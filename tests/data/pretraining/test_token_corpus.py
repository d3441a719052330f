import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linked_documents import document

from kglm.data.pretraining.packing import pack
from kglm.data.pretraining.token_corpus import MANIFEST, TokenCorpus, write_corpus
from kglm.errors import ConfigError, DataError, FingerprintMismatchError

DOCUMENTS = [
    document("a", "New [York] is larger.", "Paris [Paris][ian] dug a hole", "the [garden]"),
    document("b", "in the house of [New York]."),
]


@pytest.fixture
def corpus(tokenizer, tmp_path):
    return write_corpus(DOCUMENTS, tmp_path / "corpus", tokenizer, fingerprint="abc", source={"kind": "test"})


def test_everything_is_found_again(corpus, tokenizer):
    assert (len(corpus.documents), len(corpus.sentences), corpus.lost) == (3, 5, 0)
    whole = tokenizer(" ".join(s.text for s in DOCUMENTS[0].sentences), add_special_tokens=False)["input_ids"]
    assert corpus.tokens[: corpus.sentences[3]].tolist() == whole
    assert corpus.word_starts[corpus.sentences[[0, 3]]].all()
    sentences = [sentence for d in DOCUMENTS for sentence in d.sentences]
    for sentence, start, end in zip(sentences, corpus.sentences, corpus.sentences[1:], strict=False):
        found = corpus.mentions_within(start, end)
        assert found[:, 2].tolist() == [mention.candidates[0].entity for mention in sentence.mentions]
        for mention, (first, last, _) in zip(sentence.mentions, found, strict=True):
            said = tokenizer.decode(corpus.tokens[first:last]).replace(" ", "").replace("##", "").casefold()
            assert mention.text.replace(" ", "").casefold() in said


def test_a_corpus_of_another_graph_and_a_damaged_one_are_refused(corpus, tmp_path):
    folder = tmp_path / "corpus"
    assert json.loads((folder / MANIFEST).read_text())["source"] == {"kind": "test"}
    with pytest.raises(FingerprintMismatchError, match="was made on the graph with fingerprint abc"):
        TokenCorpus.open(folder, "xyz")
    TokenCorpus.open(folder, None)
    with open(folder / "tokens.bin", "ab") as file:
        file.write(b"x")
    with pytest.raises(DataError, match=r"'tokens.bin' has \d+ bytes"):
        TokenCorpus.open(folder, "abc")
    with pytest.raises(DataError, match="holds no corpus"):
        TokenCorpus.open(tmp_path, "abc")


def test_an_empty_corpus_is_refused_and_leaves_nothing(tokenizers, tmp_path):
    with pytest.raises(DataError, match="no document with a token"):
        write_corpus([], tmp_path / "corpus", tokenizers["wordpiece"], fingerprint=None, source={})
    assert not (tmp_path / "corpus").exists()


def fake(lengths):
    """A corpus of documents given by the lengths of their sentences."""
    sentences = np.cumsum([0, *(n for document in lengths for n in document)])
    documents = np.cumsum([0, *map(len, lengths)])
    total = int(sentences[-1])
    return TokenCorpus(
        np.arange(total, dtype=np.int32), np.ones(total, dtype=np.uint8), sentences, documents,
        np.zeros((0, 3), dtype=np.int64), None, 0,
    )  # fmt: skip


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=5),
    st.integers(1, 12),
    st.booleans(),
    st.data(),
)
@settings(max_examples=60)
def test_each_token_is_packed_once(lengths, room, cross, data):
    corpus = fake(lengths)
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths))))
    packed = pack(corpus, room, cross_documents=cross, keep=keep)
    tokens = [token for start, end in packed for token in range(start, end)]
    bounds = corpus.sentences[corpus.documents]
    assert tokens == [t for d in range(len(lengths)) if keep[d] for t in range(bounds[d], bounds[d + 1])]
    for start, end in packed:
        borders = ((bounds > start) & (bounds < end)).sum()
        assert end - start + borders <= room
        assert cross or not borders
    # Greedy: no sequence could have taken the whole next sentence too.
    for (start, end), (after, _) in itertools.pairwise(packed):
        if after == end and end in corpus.sentences and (cross or end not in bounds):
            nxt = corpus.sentences[np.searchsorted(corpus.sentences, end, side="right")]
            borders = ((bounds > start) & (bounds < nxt)).sum()
            assert nxt - start + borders > room


def test_no_room_is_refused():
    with pytest.raises(ConfigError, match="room of a sequence is 0"):
        pack(fake([[1]]), 0, cross_documents=False)
