"""What the making of questions has to know of each entity's label.

Dimensions: N entities, W keywords of all of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from kglm.retrieval.words import words_of


class LabelFacts(NamedTuple):
    """Labels as numbers; two entities may have the same label.

    Attributes:
        text: ``int32 [N]``, equal for labels that are equal but for their case.
        words: ``int16 [N]``, number of words, stop words too; 0 for an empty label.
        hash: ``uint32 [N]``, CRC-32 of the case-folded label; the same on every machine.
        keyword_offsets: ``int64 [N + 1]``.
        keywords: ``int32 [W]``, base forms of the words that are no stop words, of all words where there is no other.
    """

    text: np.ndarray
    words: np.ndarray
    hash: np.ndarray
    keyword_offsets: np.ndarray
    keywords: np.ndarray


def label_facts(labels: Iterable[str]) -> LabelFacts:
    """Return what there is to know of labels, in their order."""
    texts: dict[str, int] = {}
    vocabulary: dict[str, int] = {}
    text, words, hashes, keywords, offsets = [], [], [], [], [0]
    for label in labels:
        folded = " ".join(label.casefold().split())
        text.append(texts.setdefault(folded, len(texts)))
        words.append(min(len(folded.split()), np.iinfo(np.int16).max))
        hashes.append(zlib.crc32(folded.encode("utf-8", "surrogatepass")))
        found = words_of(folded) or words_of(folded, "none")
        keywords += sorted({vocabulary.setdefault(word, len(vocabulary)) for word in found})
        offsets.append(len(keywords))
    return LabelFacts(
        text=np.asarray(text, dtype=np.int32),
        words=np.asarray(words, dtype=np.int16),
        hash=np.asarray(hashes, dtype=np.uint32),
        keyword_offsets=np.asarray(offsets, dtype=np.int64),
        keywords=np.asarray(keywords, dtype=np.int32),
    )
