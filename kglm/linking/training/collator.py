"""Sentences with mentions as one flat batch of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from kglm.encoders.text_encoder import span_shares
from kglm.kg.graph import KnowledgeGraph
from kglm.linking.priors import degrees, surface_prior
from kglm.linking.training.examples import SenseExample, SenseMention


class SenseDataset(Sequence[SenseExample]):
    """Examples, with their lengths for batches that pad little; mentions that teach nothing are left out.

    Args:
        examples: any.
        undecided: whether mentions with one candidate, or without a right one, are kept: for evaluation.
    """

    def __init__(self, examples: Sequence[SenseExample], *, undecided: bool = False) -> None:
        self.examples = []
        for example in examples:
            kept = tuple(one for one in example.mentions if undecided or _teaches(one))
            if kept:
                self.examples.append(SenseExample(example.id, example.document, example.text, kept))
        self.lengths = [len(example.text) for example in self.examples]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> SenseExample:  # type: ignore[override]
        return self.examples[index]

    def entities(self) -> np.ndarray:
        """Return the distinct candidates of all mentions, ascending, ``int64``."""
        found = {entity for one in self.examples for mention in one.mentions for entity in mention.candidates}
        return np.array(sorted(found), dtype=np.int64)


def _teaches(mention: SenseMention) -> bool:
    return len(mention.candidates) > 1 and any(mention.right)


class SenseCollator:
    """Makes a batch of examples.

    The result has B sentences of T tokens, M mentions and sum K candidates:

    - ``input_ids``, ``attention_mask`` ``[B, T]``;
    - ``spans [M, B * T]``, sparse: the share of each token in the mean over a mention;
    - ``texts [M]``: the sentence of each mention;
    - ``candidates [sum K]``: rows of the trained senses, ``owners [sum K]``: their mentions;
    - ``log_priors [sum K]``, see :mod:`kglm.linking.priors`; ``right [sum K]``;
    - ``ids``: of the sentences.

    A mention beyond ``max_length`` tokens has an empty span.

    Args:
        tokenizer: a fast one.
        graph: gives the degrees that smooth the priors.
        entities: ``[S]`` ascending ids of the trained senses; the row of a candidate is its place there.
        max_length: tokens of a sentence.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, graph: KnowledgeGraph, entities: np.ndarray, max_length: int
    ) -> None:
        self.tokenizer = tokenizer
        self.graph = graph
        self.entities = entities
        self.max_length = max_length

    def __call__(self, examples: Sequence[SenseExample]) -> dict[str, Any]:
        """Return the batch."""
        tokens = self.tokenizer(
            [example.text for example in examples],
            truncation=True,
            max_length=self.max_length,
            padding=True,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        mentions = [mention for example in examples for mention in example.mentions]
        sizes = [len(mention.candidates) for mention in mentions]
        candidates = np.concatenate([mention.candidates for mention in mentions])
        return {
            "ids": [example.id for example in examples],
            "input_ids": tokens["input_ids"],
            "attention_mask": tokens["attention_mask"],
            "spans": _span_matrix(examples, tokens["offset_mapping"].numpy()),
            "texts": torch.tensor([row for row, example in enumerate(examples) for _ in example.mentions]),
            "candidates": torch.from_numpy(np.searchsorted(self.entities, candidates)),
            "owners": torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes)),
            "log_priors": torch.from_numpy(np.concatenate([self._log_prior(one) for one in mentions])),
            "right": torch.tensor([flag for mention in mentions for flag in mention.right]),
        }

    def _log_prior(self, mention: SenseMention) -> np.ndarray:
        near = degrees(self.graph, np.asarray(mention.candidates))
        prior = np.log(surface_prior(np.asarray(mention.counts), near))
        return prior.astype(np.float32)


def _span_matrix(examples: Sequence[SenseExample], places: np.ndarray) -> torch.Tensor:
    """Return ``[M, B * T]``, sparse.

    Args:
        examples: B of them, with M mentions.
        places: ``[B, T, 2]`` of the tokens, in characters.
    """
    rows, columns, shares = [], [], []
    first = 0
    for number, example in enumerate(examples):
        share = span_shares(places[number], [(mention.start, mention.end) for mention in example.mentions])
        row, column = np.nonzero(share)
        rows.append(row + first)
        columns.append(column + number * places.shape[1])
        shares.append(share[row, column])
        first += len(example.mentions)
    indices = torch.from_numpy(np.stack((np.concatenate(rows), np.concatenate(columns))))
    size = (first, places.shape[0] * places.shape[1])
    return torch.sparse_coo_tensor(indices, torch.from_numpy(np.concatenate(shares)), size, check_invariants=False)
