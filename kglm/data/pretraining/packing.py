"""From sentences to sequences that fill the encoder: each as many whole sentences as there is room for."""

from __future__ import annotations

import numpy as np

from kglm.data.pretraining.token_corpus import TokenCorpus
from kglm.errors import ConfigError


def pack(corpus: TokenCorpus, room: int, *, cross_documents: bool, keep: np.ndarray | None = None) -> np.ndarray:
    """Return the first token of each sequence and the one behind its last, ``int64 [sequences, 2]``.

    Sentences are taken in order while they fit; one that is longer than the room is cut into pieces of it. Every
    token of a document that is kept is in exactly one sequence.

    Args:
        corpus: the sentences.
        room: tokens of a sequence, without special ones. A sequence that holds parts of several documents needs one
            more for each border between them.
        cross_documents: let a sequence go on with the next document; else each document begins a new one.
        keep: ``bool [N]``, the documents that are packed; None packs all. A sequence never spans one that is not.

    Raises:
        ConfigError: there is no room.
    """
    if room < 1:
        raise ConfigError(f"the room of a sequence is {room} tokens; allowed: at least 1")
    bounds, documents = corpus.sentences.tolist(), corpus.documents.tolist()
    packed: list[tuple[int, int]] = []
    start = end = used = 0  # of the sequence that is being filled, with its borders
    for number in range(len(documents) - 1):
        if keep is not None and not keep[number]:
            continue
        for sentence in range(documents[number], documents[number + 1]):
            first, behind = bounds[sentence], bounds[sentence + 1]
            begins = sentence == documents[number]
            joins = end > start and first == end and (cross_documents or not begins)
            needed = behind - first + (1 if begins and joins else 0)
            if not joins or used + needed > room:
                if end > start:
                    packed.append((start, end))
                while behind - first > room:
                    packed.append((first, first + room))
                    first += room
                start, used = first, 0
                needed = behind - first
            end = behind
            used += needed
    if end > start:
        packed.append((start, end))
    return np.array(packed, dtype=np.int64).reshape(-1, 2)
