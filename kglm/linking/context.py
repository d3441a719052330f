"""What surrounds a mention, as vectors: its sentence read once, however many texts share it.

The vector of a mention's context is the mean over its own sentence and those beside it, each weighted by its length,
scaled to length 1. A sentence that stands in many texts (the question before each of its choices) is encoded once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from kglm.encoders.text_encoder import SpanVectors

Span = tuple[int, int]

LONGEST = 400
"""Characters of a sentence; a longer one is cut at white space, or anywhere where there is none."""

_END = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+|\n+")


class EncodesSpans(Protocol):
    """Whatever reads texts and spans within, as :class:`kglm.encoders.TextEncoder` does."""

    def encode_spans(self, texts: Sequence[str], spans: Sequence[Sequence[Span]]) -> SpanVectors:
        """Return the vectors of the spans and of the texts."""
        ...


class MentionContexts(NamedTuple):
    """What surrounds M mentions.

    Attributes:
        contexts: ``float32 [M, D]``, of the sentences around, of length 1.
        mentions: ``float32 [M, D]``, of the mention's own words in their sentence, of length 1.
        read: how many distinct sentences were encoded.
    """

    contexts: np.ndarray
    mentions: np.ndarray
    read: int


def sentences(text: str) -> list[Span]:
    """Return the places of a text's sentences, in order; together they cover all but white space.

    The rule is plain: a sentence ends with ``.``, ``!`` or ``?`` before white space, or with a line. It may take an
    abbreviation for an end, which costs a mention a part of its context and nothing else.
    """
    places: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        places += _pieces(text, start, match.start())
        start = match.end()
    return places + _pieces(text, start, len(text))


def _pieces(text: str, start: int, end: int) -> list[Span]:
    """Return a sentence without white space at its edges, cut where it is too long."""
    pieces: list[Span] = []
    while True:
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start == end:
            return pieces
        stop = end
        if end - start > LONGEST:
            stop = start + LONGEST
            blank = next((at for at in range(stop, start + LONGEST // 2, -1) if text[at].isspace()), None)
            stop = stop if blank is None else blank
        pieces.append((start, stop))
        start = stop


@dataclass
class _Sentence:
    """A distinct sentence, and the spans within it that somebody asks for."""

    text: str
    spans: list[Span]


def encode_contexts(
    encoder: EncodesSpans, texts: Sequence[str], spans: Sequence[Sequence[Span]], *, beside: int = 1
) -> MentionContexts:
    """Return the vectors of mentions and of what surrounds them, mention by mention in the order of the texts.

    Args:
        encoder: reads the sentences.
        texts: N of them.
        spans: for each text, the mentions ``(start, end)`` in characters. A mention that reaches beyond the sentence
            in which it begins is read as far as that goes.
        beside: sentences before and after a mention's own that count as its context.
    """
    distinct: dict[str, int] = {}
    read: list[_Sentence] = []
    asked: dict[tuple[int, Span], int] = {}
    contexts: list[tuple[int, ...]] = []
    own: list[tuple[int, int]] = []
    for text, places in zip(texts, spans, strict=True):
        if not places:
            continue
        parts = sentences(text)
        starts = np.array([start for start, _ in parts], dtype=np.int64)
        for start, end in places:
            at = max(0, int(np.searchsorted(starts, start, side="right")) - 1)
            near = parts[max(0, at - beside) : at + beside + 1]
            numbers = tuple(_number(text[a:b], distinct, read) for a, b in near)
            contexts.append(numbers)
            sentence = numbers[min(at, beside)] if numbers else -1
            begin = parts[at][0] if parts else 0
            place = (start - begin, min(end - begin, LONGEST))
            key = (sentence, place)
            if sentence >= 0 and key not in asked:
                asked[key] = len(read[sentence].spans)
                read[sentence].spans.append(place)
            own.append((sentence, asked.get(key, -1)))
    vectors = encoder.encode_spans([one.text for one in read], [one.spans for one in read])
    lengths = np.array([len(one.text) for one in read], dtype=np.float32)
    dim = vectors.texts.shape[1]
    around = np.zeros((len(contexts), dim), dtype=np.float32)
    for row, numbers in enumerate(contexts):
        if numbers:
            around[row] = lengths[list(numbers)] @ vectors.texts[list(numbers)]
    words = np.zeros((len(own), dim), dtype=np.float32)
    for row, (sentence, number) in enumerate(own):
        if sentence >= 0:
            words[row] = vectors.vectors[vectors.offsets[sentence] + number]
    return MentionContexts(of_length_one(around), of_length_one(words), len(read))


def _number(sentence: str, distinct: dict[str, int], read: list[_Sentence]) -> int:
    number = distinct.setdefault(sentence, len(read))
    if number == len(read):
        read.append(_Sentence(sentence, []))
    return number


def of_length_one(vectors: np.ndarray) -> np.ndarray:
    """Return vectors scaled to length 1; those of zeros stay so."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: np.ndarray = vectors / np.where(lengths > 0, lengths, 1)
    return scaled
