"""A corpus as tokens on disk, memory-mapped: written once while it streams by, read in any order thereafter.

Dimensions: T tokens, S sentences, N documents, M mentions of the whole corpus.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from kglm.data.pretraining.document import Document
from kglm.data.span_alignment import TokenPlaces
from kglm.errors import ConfigError, DataError, FingerprintMismatchError
from kglm.files import atomic_directory, atomic_write_json

logger = logging.getLogger(__name__)

VERSION = 1
MANIFEST = "manifest.json"
DTYPES = {"tokens": "<i4", "word_starts": "|u1", "sentences": "<i8", "documents": "<i8", "mentions": "<i8"}


@dataclass(frozen=True)
class TokenCorpus:
    """The tokens of a corpus, one after another, without special ones.

    Attributes:
        tokens: ``int32 [T]`` ids.
        word_starts: ``uint8 [T]`` 1 where a token begins a word.
        sentences: ``int64 [S + 1]`` first token of each sentence, and T.
        documents: ``int64 [N + 1]`` first sentence of each document, and S.
        mentions: ``int64 [M, 3]`` first token, the one behind the last, and entity, by first token.
        fingerprint: of the graph that numbers the entities; None without any.
        lost: mentions of which no token was found.
    """

    tokens: np.ndarray
    word_starts: np.ndarray
    sentences: np.ndarray
    documents: np.ndarray
    mentions: np.ndarray
    fingerprint: str | None
    lost: int

    @classmethod
    def open(cls, folder: Path | str, fingerprint: str | None) -> TokenCorpus:
        """Map a corpus into memory.

        Args:
            folder: where it was written.
            fingerprint: of the graph at hand, or None.

        Raises:
            DataError: there is no corpus, or a damaged one.
            FingerprintMismatchError: its entities are those of another graph.
        """
        folder = Path(folder)
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            arrays = {name: _map(folder / f"{name}.bin", DTYPES[name], manifest["sizes"][name]) for name in DTYPES}
            made_on, lost = manifest["fingerprint"], int(manifest["lost"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"'{folder}' holds no corpus of tokens that can be read ({error})") from error
        if made_on is not None and fingerprint is not None and made_on != fingerprint:
            remedy = "Remove it, and it is made again."
            raise FingerprintMismatchError(f"the corpus '{folder}'", made_on, fingerprint, remedy)
        arrays["mentions"] = arrays["mentions"].reshape(-1, 3)
        return cls(**arrays, fingerprint=made_on, lost=lost)

    def mentions_within(self, start: int, end: int) -> np.ndarray:
        """Return the mentions ``[., 3]`` that lie between two tokens."""
        first, last = np.searchsorted(self.mentions[:, 0], (start, end))
        found = self.mentions[first:last]
        return found[found[:, 1] <= end]


def _map(path: Path, dtype: str, size: int) -> np.ndarray:
    if path.stat().st_size != size * np.dtype(dtype).itemsize:
        raise ValueError(f"'{path.name}' has {path.stat().st_size} bytes for {size} numbers")
    return np.memmap(path, dtype=dtype, mode="r") if size else np.zeros(0, dtype=dtype)


def write_corpus(
    documents: Iterable[Document],
    folder: Path | str,
    tokenizer: PreTrainedTokenizerBase,
    *,
    fingerprint: str | None,
    source: Mapping[str, Any],
) -> TokenCorpus:
    """Tokenize documents as they come and write them, all or nothing; memory holds one document.

    A document is tokenized as a whole, its sentences joined by blanks, so that tokens are those of running text. Of
    a mention with several candidates the likeliest is kept.

    Args:
        documents: of the corpus.
        folder: where it shall be.
        tokenizer: a fast one.
        fingerprint: of the graph that numbers the entities; None without any.
        source: what the corpus was made of, for the manifest.

    Raises:
        ConfigError: the tokenizer is no fast one.
        DataError: there is no document with a token.
    """
    if not tokenizer.is_fast:
        raise ConfigError("the tokenizer is no fast one, which keeps the places of tokens in the text")
    with atomic_directory(folder) as temporary:
        writer = _Writer(temporary)
        with writer:
            for document in documents:
                writer.add(document, tokenizer)
        if not writer.sizes["tokens"]:
            raise DataError("the corpus has no document with a token")
        manifest = {"version": VERSION, "sizes": writer.sizes, "lost": writer.lost, "fingerprint": fingerprint}
        atomic_write_json(temporary / MANIFEST, {**manifest, "source": dict(source)})
    return TokenCorpus.open(folder, fingerprint)


class _Writer:
    """Appends documents to the arrays of a corpus."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sizes = dict.fromkeys(DTYPES, 0)
        self.lost = 0
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> _Writer:
        with ExitStack() as stack:
            self._files = {name: stack.enter_context((self.folder / f"{name}.bin").open("wb")) for name in DTYPES}
            self._closing = stack.pop_all()
        self._append("sentences", [0])
        self._append("documents", [0])
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.close()

    def add(self, document: Document, tokenizer: PreTrainedTokenizerBase) -> None:
        text = " ".join(sentence.text for sentence in document.sentences)
        encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        words = np.array([-1 if word is None else word for word in encoded.encodings[0].word_ids], dtype=np.int64)
        if not len(words):
            return
        offsets = encoded["offset_mapping"]
        places = TokenPlaces(text, offsets)
        first = self.sizes["tokens"]
        at, ends, spans, entities = 0, [], [], []
        for sentence in document.sentences:
            for mention in sentence.mentions:
                if mention.candidates:
                    spans.append((at + mention.start, at + mention.end))
                    entities.append(max(mention.candidates, key=lambda candidate: candidate.probability).entity)
            at += len(sentence.text) + 1
            ends.append(at - 1)
        self._add_sentences(np.array([end for _, end in offsets]), ends, first)
        self._add_mentions(places.find(spans), np.array(entities, dtype=np.int64), first)
        self._append("tokens", encoded["input_ids"])
        self._append("word_starts", np.concatenate(([True], words[1:] != words[:-1])))
        self._append("documents", [self.sizes["sentences"] - 1])

    def _add_sentences(self, token_ends: np.ndarray, ends: Sequence[int], first: int) -> None:
        """Append the token behind the last of each sentence; a sentence without a token of its own is none."""
        behind = np.searchsorted(token_ends, np.array(ends), side="right")
        behind[-1] = len(token_ends)
        self._append("sentences", first + np.unique(behind[behind > 0]))

    def _add_mentions(self, spans: np.ndarray, entities: np.ndarray, first: int) -> None:
        found = spans[:, 0] < spans[:, 1]
        self.lost += int((~found).sum())
        rows = np.column_stack((spans[found] + first, entities[found]))
        self._append("mentions", rows[np.argsort(rows[:, 0], kind="stable")].ravel())

    def _append(self, name: str, values: Sequence[int] | np.ndarray) -> None:
        array = np.asarray(values).astype(DTYPES[name])
        self._files[name].write(array.tobytes())
        self.sizes[name] += len(array)
