"""From packed sequences to batches of the pretraining objectives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from kglm.data.entity_inputs import pad_ragged, pad_rows, token_positions
from kglm.data.entity_vectors import EntityVectors
from kglm.data.pretraining.entity_noise import MASKED, EntityNoise, NoisyEntities, corrupt_entities
from kglm.data.pretraining.masking import IGNORED, TokenMasking, Vocabulary, mask_tokens
from kglm.data.pretraining.sequences import PackedSequence


class PretrainingCollator:
    """Masks tokens, corrupts entities, and gathers the vectors of both what is seen and what may be chosen.

    All chance is a function of seed, epoch and the sequence's index, whatever batch and process it falls into; only
    the candidates, and so which entity replaces another, depend on the batch.

    Args:
        tokenizer: gives special tokens, padding and the vocabulary.
        masking: how tokens are masked.
        vectors: of the entities; None leaves entities out.
        noise: how entities are corrupted and asked for; None shows them as they are and asks for none.
        sentences: whether the order of pairs is asked for.
        seed: of all chance.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        masking: TokenMasking,
        vectors: EntityVectors | None,
        noise: EntityNoise | None,
        sentences: bool,
        seed: int,
    ) -> None:
        self.masking = masking
        self.vectors = vectors
        self.noise = noise
        self.sentences = sentences
        self.seed = seed
        self.epoch = 0
        mask = tokenizer.mask_token_id
        self._vocabulary = Vocabulary.of(
            len(tokenizer), tokenizer.all_special_ids, mask if isinstance(mask, int) else None
        )
        self._pad = tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else 0
        self._has_types = "token_type_ids" in tokenizer.model_input_names

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) of all chance."""
        self.epoch = epoch

    def __call__(self, sequences: Sequence[PackedSequence]) -> dict[str, Any]:
        """Return a batch of B sequences, T tokens, M mentions of a sequence, K candidates.

        ``input_ids``, ``attention_mask`` (and ``token_type_ids``) ``[B, T]``; ``labelled_tokens`` and ``labels`` of
        the P tokens to predict ``[B, P]``; with vectors
        ``entity_embeds [B, M, D_v]`` and ``entity_tokens [B, M, S]``; with noise, if there is a mention,
        ``candidate_embeds [K, D_v]``, ``target_tokens [B, M]``, ``entity_labels [B, M]`` and, in ``metadata``, the
        ``fates [B, M]`` of the mentions (:mod:`~kglm.data.pretraining.entity_noise`, -1 for padding); with sentences
        ``sentence_labels [B]``; and ``ids``.
        """
        masked = [self._mask(sequence) for sequence in sequences]
        asked = [np.flatnonzero(labels != IGNORED) for _, labels in masked]
        batch: dict[str, Any] = {
            "ids": [str(sequence.index) for sequence in sequences],
            "input_ids": pad_rows([ids for ids, _ in masked], self._pad),
            "attention_mask": pad_rows([[1] * len(sequence) for sequence in sequences], 0),
            "labelled_tokens": pad_rows(asked, -1),
            "labels": pad_rows([labels[places] for (_, labels), places in zip(masked, asked, strict=True)], IGNORED),
        }
        if self._has_types:
            batch["token_type_ids"] = pad_rows([sequence.types for sequence in sequences], 0)
        if self.vectors is not None:
            batch |= self._entities(sequences, self.vectors)
        if self.sentences:
            batch["sentence_labels"] = torch.tensor([sequence.order for sequence in sequences])
        return batch

    def _mask(self, sequence: PackedSequence) -> tuple[np.ndarray, np.ndarray]:
        generator = self._generator(sequence, 2, 0 if self.masking.static else self.epoch)
        return mask_tokens(
            sequence.ids, sequence.word_starts, sequence.special, self._vocabulary, self.masking, generator
        )

    def _entities(self, sequences: Sequence[PackedSequence], vectors: EntityVectors) -> dict[str, Any]:
        counts = [len(sequence.entities) for sequence in sequences]
        entities = np.concatenate([sequence.entities for sequence in sequences])
        spans = [sequence.spans for sequence in sequences]
        if self.noise is None or not len(entities):
            return {
                "entity_embeds": pad_ragged(vectors.rows(entities), counts),
                "entity_tokens": token_positions(spans),
            }
        draws = [self._generator(s, 3, self.epoch).random((len(s.entities), 2)) for s in sequences]
        noisy = corrupt_entities(entities, np.concatenate(draws), self.noise)
        seen = [
            np.where((fates == MASKED)[:, None], 0, places)  # an empty span is no entity
            for places, fates in zip(spans, _divide(noisy.fates, counts), strict=True)
        ]
        return {
            "entity_embeds": pad_ragged(vectors.rows(noisy.entities), counts),
            "entity_tokens": token_positions(seen),
            **self._targets(spans, noisy, counts, vectors),
        }

    def _targets(
        self, spans: Sequence[np.ndarray], noisy: NoisyEntities, counts: Sequence[int], vectors: EntityVectors
    ) -> dict[str, Any]:
        return {
            "candidate_embeds": torch.from_numpy(vectors.rows(noisy.candidates)),
            "target_tokens": pad_rows([places[:, 0] for places in spans], -1),
            "entity_labels": pad_rows(_divide(noisy.labels, counts), IGNORED),
            "metadata": {"fates": pad_rows(_divide(noisy.fates, counts), -1)},
        }

    def _generator(self, sequence: PackedSequence, purpose: int, epoch: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, epoch, sequence.index, purpose])


def _divide(values: np.ndarray, counts: Sequence[int]) -> list[np.ndarray]:
    return np.split(values, np.cumsum(counts)[:-1])
