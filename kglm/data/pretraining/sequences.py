"""Packed sequences as the encoder reads them: special tokens, pairs of sentences, mentions by token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from transformers import PreTrainedTokenizerBase

from kglm.data.pretraining.packing import pack
from kglm.data.pretraining.token_corpus import TokenCorpus
from kglm.errors import ConfigError, UnknownNameError

SENTENCE_OBJECTIVES = ("none", "order", "next")
IN_ORDER, NOT_IN_ORDER, NO_PAIR = 0, 1, -100


@dataclass(frozen=True)
class Template:
    """The special tokens around a text, and around a pair, of any tokenizer.

    Attributes:
        single: ids before and behind a text.
        pair: ids before, between and behind two texts.
        types: token types of a pair's five parts.
        border: id between parts of different documents.
    """

    single: tuple[list[int], list[int]]
    pair: tuple[list[int], list[int], list[int]]
    types: tuple[int, int, int, int, int]
    border: int

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Template:
        """Read the template off an example.

        Raises:
            ConfigError: the tokenizer has no token that separates texts.
        """
        if tokenizer.sep_token_id is None:
            raise ConfigError("the tokenizer has no token that separates texts (sep_token)")
        one, two = tokenizer("a"), tokenizer("a", "a", return_token_type_ids=True)
        before, behind = _place(one.encodings[0].sequence_ids, 0)
        first, middle = _place(two.encodings[0].sequence_ids, 0)
        second, last = _place(two.encodings[0].sequence_ids, 1)
        single, pair, types = one["input_ids"], two["input_ids"], two["token_type_ids"]
        return cls(
            single=(single[:before], single[behind:]),
            pair=(pair[:first], pair[middle:second], pair[last:]),
            types=(types[0], types[first], types[middle], types[second], types[-1]),
            border=int(tokenizer.sep_token_id),
        )

    @property
    def num_single(self) -> int:
        """Special tokens of a text."""
        return sum(map(len, self.single))

    @property
    def num_pair(self) -> int:
        """Special tokens of a pair."""
        return sum(map(len, self.pair))


def _place(which: list[int | None], part: int) -> tuple[int, int]:
    """Return the first token of a part, and the one behind its last."""
    return which.index(part), len(which) - which[::-1].index(part)


@dataclass(frozen=True)
class PackedSequence:
    """A sequence of T tokens with M mentions.

    Attributes:
        index: of the sequence in its data set.
        ids: ``int64 [T]``.
        types: ``int64 [T]`` token types.
        word_starts: ``bool [T]`` whether a token begins a word.
        special: ``bool [T]`` whether a token is special.
        spans: ``int64 [M, 2]`` first token of each mention, and the one behind its last.
        entities: ``int64 [M]``.
        order: :data:`IN_ORDER`, :data:`NOT_IN_ORDER`, or :data:`NO_PAIR` for a text that is no pair.
    """

    index: int
    ids: np.ndarray
    types: np.ndarray
    word_starts: np.ndarray
    special: np.ndarray
    spans: np.ndarray
    entities: np.ndarray
    order: int

    def __len__(self) -> int:
        return len(self.ids)


class PackedDataset(Sequence[PackedSequence]):
    """The sequences of a corpus; what is random about one is a function of seed, epoch and its index.

    With ``sentences="order"`` a sequence is cut in two between sentences and, with probability 1/2, its parts are
    exchanged (Lan et al., ICLR 2020); with ``"next"`` the second part is, with probability 1/2, one of another
    document (Devlin et al., NAACL 2019). A sequence of one sentence is no pair.

    Args:
        corpus: the tokens.
        tokenizer: that they are of.
        max_length: tokens of the longest sequence, special ones included.
        sentences: one of :data:`SENTENCE_OBJECTIVES`.
        cross_documents: let sequences span documents, with a separating token at each border; not with pairs.
        keep: ``bool [documents]``, the documents that are taken; None takes all.
        mentions_only: leave out sequences without a mention, which teach nothing about entities.
        seed: of the pairs.

    Raises:
        ConfigError: the options do not fit each other.
    """

    def __init__(
        self,
        corpus: TokenCorpus,
        tokenizer: PreTrainedTokenizerBase,
        *,
        max_length: int,
        sentences: str = "none",
        cross_documents: bool = False,
        keep: np.ndarray | None = None,
        mentions_only: bool = False,
        seed: int = 0,
    ) -> None:
        if sentences not in SENTENCE_OBJECTIVES:
            raise UnknownNameError("objective of sentences", sentences, SENTENCE_OBJECTIVES)
        if sentences != "none" and cross_documents:
            raise ConfigError(
                f"cross_documents is true and the objective of sentences is '{sentences}'; allowed: one of the two, "
                "for the parts of a pair must be of one document"
            )
        self.corpus = corpus
        self.template = Template.of(tokenizer)
        self.sentences = sentences
        self.seed = seed
        self.epoch = 0
        self._special = np.array(sorted(set(tokenizer.all_special_ids)), dtype=np.int64)
        special = self.template.num_single if sentences == "none" else self.template.num_pair
        self._room = max_length - special
        self.ranges = pack(corpus, self._room, cross_documents=cross_documents, keep=keep)
        if mentions_only:
            with_mention = [len(corpus.mentions_within(start, end)) > 0 for start, end in self.ranges.tolist()]
            self.ranges = self.ranges[np.array(with_mention, dtype=bool)]
        first_sentences = np.searchsorted(corpus.sentences, self.ranges[:, 0], side="right") - 1
        self._documents = np.searchsorted(corpus.documents, first_sentences, side="right") - 1
        self._borders = corpus.sentences[corpus.documents]

    def __len__(self) -> int:
        return len(self.ranges)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) of the pairs."""
        self.epoch = epoch

    @property
    def lengths(self) -> list[int]:
        """Tokens of each sequence without special ones, about."""
        return (self.ranges[:, 1] - self.ranges[:, 0]).tolist()

    def __getitem__(self, index: int) -> PackedSequence:  # type: ignore[override]
        start, end = self.ranges[range(len(self))[index]].tolist()
        cuts = self.corpus.sentences[slice(*np.searchsorted(self.corpus.sentences, (start + 1, end)))]
        if self.sentences == "none" or not len(cuts):
            before, behind = self.template.single
            return self._join(index, [before, (start, end), behind], [0, 0, 0], NO_PAIR)
        generator = np.random.default_rng([self.seed, self.epoch, index, 1])
        cut = int(cuts[generator.integers(len(cuts))])
        first, second, order = self._pair(index, (start, cut), (cut, end), generator)
        before, middle, behind = self.template.pair
        return self._join(index, [before, first, middle, second, behind], list(self.template.types), order)

    def _pair(
        self, index: int, first: tuple[int, int], second: tuple[int, int], generator: np.random.Generator
    ) -> tuple[tuple[int, int], tuple[int, int], int]:
        if generator.random() < 0.5:
            return first, second, IN_ORDER
        if self.sentences == "order":
            return second, first, NOT_IN_ORDER
        others = np.flatnonzero(self._documents != self._documents[index])
        if not len(others):
            return first, second, IN_ORDER
        start, end = self.ranges[others[generator.integers(len(others))]].tolist()
        inner = self.corpus.sentences[slice(*np.searchsorted(self.corpus.sentences, (start, end)))]
        start = int(inner[generator.integers(len(inner))]) if len(inner) else start
        return first, (start, min(end, start + self._room - (first[1] - first[0]))), NOT_IN_ORDER

    def _join(
        self, index: int, parts: Sequence[list[int] | tuple[int, int]], types: Sequence[int], order: int
    ) -> PackedSequence:
        """Put special ids, given as lists, and ranges of tokens, given as tuples, one after another."""
        ids, kinds, starts, spans, entities = [], [], [], [], []
        at = 0
        for part, kind in zip(parts, types, strict=True):
            for piece in self._pieces(part) if isinstance(part, tuple) else [part]:
                if isinstance(piece, list):
                    tokens, begins = np.array(piece, dtype=np.int64), np.ones(len(piece), dtype=bool)
                else:
                    tokens = self.corpus.tokens[slice(*piece)].astype(np.int64)
                    begins = self.corpus.word_starts[slice(*piece)].astype(bool)
                    begins[:1] = True
                    mentions = self.corpus.mentions_within(*piece)
                    spans.append(mentions[:, :2] - piece[0] + at)
                    entities.append(mentions[:, 2])
                ids.append(tokens)
                starts.append(begins)
                kinds.append(np.full(len(tokens), kind, dtype=np.int64))
                at += len(tokens)
        joined = np.concatenate(ids)
        return PackedSequence(
            index=index,
            ids=joined,
            types=np.concatenate(kinds),
            word_starts=np.concatenate(starts),
            special=np.isin(joined, self._special),
            spans=np.concatenate(spans),
            entities=np.concatenate(entities),
            order=order,
        )

    def _pieces(self, part: tuple[int, int]) -> list[list[int] | tuple[int, int]]:
        """Cut a range at the borders of documents, with the separating token between."""
        start, end = part
        inner = self._borders[slice(*np.searchsorted(self._borders, (start + 1, end)))].tolist()
        cuts = [start, *inner, end]
        pieces: list[list[int] | tuple[int, int]] = [(start, cuts[1])]
        for first, behind in pairwise(cuts[1:]):
            pieces += [[self.template.border], (first, behind)]
        return pieces
