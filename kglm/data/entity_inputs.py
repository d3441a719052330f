"""From linked texts to what a fusion encoder reads: tokens, entity vectors, and which tokens they belong to.

Dimensions: B texts, T tokens, M mentions of a text, K candidates of a mention, S tokens of a mention, D_v entity
vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from kglm.data.entity_vectors import EntityVectors, MentionVectors
from kglm.data.linked_text import LinkedText
from kglm.data.span_alignment import TokenPlaces
from kglm.errors import ConfigError, DataError
from kglm.linking.fused_embeddings import MentionEmbeddings
from kglm.linking.mention import Candidate, Mention

NOWHERE = -1  # the position of a token that is not there
MAX_ENTITY_TOKENS = 16


@dataclass(frozen=True)
class EncodedText:
    """A text as token ids, with the mentions that are left in it.

    Attributes:
        input_ids: ids, special tokens included.
        token_type_ids: of each token, 0 or 1.
        spans: ``int64 [M, 2]``, first token of each mention and the one behind its last.
        candidates: what each mention may mean, with probabilities.
        lost: number of mentions without a token, for they lie in the part of the text that was cut off.
    """

    input_ids: list[int]
    token_type_ids: list[int]
    spans: np.ndarray
    candidates: tuple[tuple[Candidate, ...], ...]
    lost: int = 0

    def __len__(self) -> int:
        return len(self.input_ids)


def encode_linked(
    texts: Sequence[LinkedText],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    *,
    pairs: Sequence[LinkedText] | None = None,
) -> list[EncodedText]:
    """Tokenize texts, or pairs of texts, and find the tokens of their mentions.

    Args:
        texts: N of them.
        tokenizer: a fast one.
        max_length: tokens of a text or a pair, special tokens included; the longer text of a pair is cut first.
        pairs: the second text of each pair; its mentions come behind those of the first.

    Raises:
        ConfigError: the tokenizer is no fast one.
        DataError: texts and second texts differ in number.
    """
    if not tokenizer.is_fast:
        raise ConfigError("the tokenizer is no fast one, which keeps the places of tokens in the text")
    if pairs is not None and len(pairs) != len(texts):
        raise DataError(f"{len(texts)} texts, but {len(pairs)} second texts; expected one for each")
    if not texts:
        return []
    encoded = tokenizer(
        [text.text for text in texts],
        None if pairs is None else [pair.text for pair in pairs],
        truncation=True,
        max_length=max_length,
        return_token_type_ids=True,
        return_attention_mask=False,
        return_offsets_mapping=True,
    )
    rows = []
    for row, text in enumerate(texts):
        parts = [text] if pairs is None else [text, pairs[row]]
        places, which = encoded["offset_mapping"][row], encoded.encodings[row].sequence_ids
        found = [find_mentions(part, places, which, number) for number, part in enumerate(parts)]
        rows.append(
            _encoded_text(
                encoded["input_ids"][row],
                encoded["token_type_ids"][row],
                np.concatenate(found),
                [mention for part in parts for mention in part.mentions],
            )
        )
    return rows


def find_mentions(
    text: LinkedText, places: Sequence[tuple[int, int]], which: Sequence[int | None], part: int
) -> np.ndarray:
    """Return the tokens of a text's mentions, ``int64 [M, 2]``; ``(0, 0)`` where a mention was cut off.

    Args:
        text: the text, or what stands at the beginning of what was tokenized.
        places: of the tokens, in characters.
        which: of the tokens, which of the sequences tokenized together they belong to; None for special tokens.
        part: which of these the text is.
    """
    tokens = [number for number, sequence in enumerate(which) if sequence == part]
    if not tokens:
        return np.zeros((len(text.mentions), 2), dtype=np.int64)
    first, last = tokens[0], tokens[-1] + 1
    aligned = TokenPlaces(text.text, places[first:last], first)
    return aligned.find([(mention.start, mention.end) for mention in text.mentions])


def _encoded_text(ids: list[int], types: list[int], spans: np.ndarray, mentions: list[Mention]) -> EncodedText:
    kept = [number for number, (start, end) in enumerate(spans) if start < end and mentions[number].candidates]
    lost = int((spans[:, 0] == spans[:, 1]).sum())
    return EncodedText(ids, types, spans[kept], tuple(mentions[number].candidates for number in kept), lost)


def number_mentions(texts: Sequence[LinkedText], offsets: np.ndarray) -> list[LinkedText]:
    """Return texts whose mentions stand for rows of vectors, one for each, as a linker's ``embed`` gives them.

    Args:
        texts: N texts with the mentions that were embedded, in their order.
        offsets: ``int64 [N + 1]``; the mentions of text ``i`` are the rows from ``offsets[i]`` to ``offsets[i + 1]``.

    Raises:
        DataError: the numbers of mentions do not fit the offsets.
    """
    counts = np.diff(offsets)
    if len(counts) != len(texts) or any(len(t.mentions) != n for t, n in zip(texts, counts, strict=True)):
        raise DataError(
            f"{len(texts)} texts of {[len(text.mentions) for text in texts][:8]} mentions do not fit vectors of "
            f"{counts.tolist()[:8]} mentions"
        )
    return [
        LinkedText(
            text.text,
            tuple(
                Mention(mention.start, mention.end, mention.text, (Candidate(int(first) + number, 1.0),))
                for number, mention in enumerate(text.mentions)
            ),
        )
        for text, first in zip(texts, offsets, strict=False)
    ]


def embedded_texts(
    texts: Sequence[str], embeddings: MentionEmbeddings, fingerprint: str
) -> tuple[list[LinkedText], MentionVectors]:
    """Return what a linker's ``embed`` found as linked texts, and the vectors that a collator gathers for them.

    Args:
        texts: N of them, as they were embedded.
        embeddings: of their mentions.
        fingerprint: of the linker's graph.

    Raises:
        DataError: texts and embeddings differ in number.
    """
    if len(texts) != len(embeddings.mentions):
        raise DataError(f"{len(texts)} texts, but embeddings of the mentions of {len(embeddings.mentions)}")
    linked = [LinkedText(text, tuple(found)) for text, found in zip(texts, embeddings.mentions, strict=True)]
    return number_mentions(linked, embeddings.offsets), MentionVectors(embeddings.vectors, fingerprint)


@dataclass(frozen=True)
class TextCollator:
    """Makes a batch of texts: padded to the longest, and with the vectors of their mentions.

    A mention's vector is the mixture of its candidates' by their probabilities, as given: what is left to 1 is the
    share of NIL, whose vector is zero.

    Attributes:
        tokenizer: gives the padding token and the names of the encoder's inputs.
        vectors: of the entities; None leaves the entities out, and the batch is that of the plain encoder.
        pad_to: fixed number of tokens; None pads to the longest of the batch.
    """

    tokenizer: PreTrainedTokenizerBase
    vectors: EntityVectors | None = None
    pad_to: int | None = None

    def __call__(self, texts: Sequence[EncodedText]) -> dict[str, Any]:
        """Return ``input_ids``, ``attention_mask`` (``token_type_ids`` where the encoder takes them) ``[B, T]``.

        With vectors also ``entity_embeds [B, M, D_v]`` and ``entity_tokens [B, M, S]``.
        """
        pad = self.tokenizer.pad_token_id
        batch = {
            "input_ids": pad_rows(
                [text.input_ids for text in texts], pad if isinstance(pad, int) else 0, self.pad_to
            ),
            "attention_mask": pad_rows([[1] * len(text) for text in texts], 0, self.pad_to),
        }
        if "token_type_ids" in self.tokenizer.model_input_names:
            batch["token_type_ids"] = pad_rows([text.token_type_ids for text in texts], 0, self.pad_to)
        if self.vectors is not None:
            batch |= pack_entities([t.spans for t in texts], [t.candidates for t in texts], self.vectors)
        return batch


def pack_entities(
    spans: Sequence[np.ndarray], candidates: Sequence[Sequence[Sequence[Candidate]]], vectors: EntityVectors
) -> dict[str, Tensor]:
    """Return ``entity_embeds [B, M, D_v]`` and ``entity_tokens [B, M, S]``; M is at least 1.

    A batch without any mention has the place of one that is absent, so that all parameters get a gradient, if zero:
    data-parallel training would wait for it.

    Args:
        spans: of each text ``[M, 2]``, first token of each mention and the one behind its last.
        candidates: of each text's mentions.
        vectors: of the entities.
    """
    mixed = mix_candidates([some for mentions in candidates for some in mentions], vectors)
    embeds, tokens = pad_ragged(mixed, [len(mentions) for mentions in candidates]), token_positions(spans)
    if tokens.shape[1] == 0:
        embeds = torch.zeros(len(spans), 1, vectors.dim)
        tokens = torch.full((len(spans), 1, 1), NOWHERE)
    return {"entity_embeds": embeds, "entity_tokens": tokens}


def mix_candidates(mentions: Sequence[Sequence[Candidate]], vectors: EntityVectors) -> np.ndarray:
    """Return ``float32 [mentions, D_v]``: of each mention the sum of its candidates' vectors by probability."""
    entities = np.array([candidate.entity for mention in mentions for candidate in mention], dtype=np.int64)
    weights = np.array([candidate.probability for mention in mentions for candidate in mention], dtype=np.float32)
    mixed = np.zeros((len(mentions), vectors.dim), dtype=np.float32)
    if len(entities):
        unique, places = np.unique(entities, return_inverse=True)
        owners = np.repeat(np.arange(len(mentions)), [len(mention) for mention in mentions])
        np.add.at(mixed, owners, weights[:, None] * vectors.rows(unique)[places])
    return mixed


def token_positions(spans: Sequence[np.ndarray], max_tokens: int = MAX_ENTITY_TOKENS) -> Tensor:
    """Return the positions of the tokens of mentions, ``int64 [B, M, S]``, -1 where there is none.

    Args:
        spans: of each text ``[M, 2]``, first token and the one behind the last.
        max_tokens: greatest S; of a longer mention the first tokens are taken.
    """
    widths = [int((rows[:, 1] - rows[:, 0]).max()) for rows in spans if len(rows)]
    width = min(max(widths, default=1), max_tokens)
    most = max(map(len, spans), default=0)
    positions = np.full((len(spans), most, width), NOWHERE, dtype=np.int64)
    for row, places in enumerate(spans):
        tokens = places[:, :1] + np.arange(width)
        positions[row, : len(places)] = np.where(tokens < places[:, 1:], tokens, NOWHERE)
    return torch.from_numpy(positions)


def pad_ragged(values: np.ndarray, counts: Sequence[int]) -> Tensor:
    """Return rows ``[sum M, D]`` of texts with ``counts`` rows each as ``[B, M, D]``, filled up with zeros."""
    padded = np.zeros((len(counts), max(counts, default=0), values.shape[1]), dtype=values.dtype)
    padded[np.arange(padded.shape[1]) < np.asarray(counts, dtype=np.int64)[:, None]] = values
    return torch.from_numpy(padded)


def pad_rows(rows: Sequence[Sequence[int] | np.ndarray], value: int, length: int | None = None) -> Tensor:
    """Return the rows as ``int64``, filled up on the right to ``length``, or to the longest of them."""
    padded = np.full((len(rows), length or max(map(len, rows))), value, dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return torch.from_numpy(padded)
