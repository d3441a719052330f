"""Linked texts with labels, encoded once, and their batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from kglm.data.entity_inputs import EncodedText, TextCollator, encode_linked
from kglm.data.linked_text import LinkedText


@dataclass(frozen=True)
class ClassificationExample:
    """A text and its label, or labels.

    Attributes:
        id: of the example.
        text: with its mentions.
        label: number of the label; a tuple of 0 and 1 for each label where there may be several.
        slice: which group of examples it belongs to, for the report.
    """

    id: str
    text: LinkedText
    label: int | tuple[int, ...]
    slice: str = "all"


class TextClassificationDataset(Sequence[tuple[ClassificationExample, EncodedText]]):
    """Examples encoded at construction.

    Args:
        examples: the texts.
        tokenizer: a fast one.
        max_length: tokens of a text; what lies beyond is cut off.
    """

    def __init__(
        self, examples: Sequence[ClassificationExample], tokenizer: PreTrainedTokenizerBase, max_length: int
    ) -> None:
        self.examples = list(examples)
        self.encoded = encode_linked([example.text for example in self.examples], tokenizer, max_length)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[ClassificationExample, EncodedText]:  # type: ignore[override]
        return self.examples[index], self.encoded[index]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each text."""
        return [len(text) for text in self.encoded]

    @property
    def lost(self) -> int:
        """Number of mentions that lie in parts of texts that were cut off."""
        return sum(text.lost for text in self.encoded)

    def slices(self) -> Counter[str]:
        """Return the number of examples in each slice."""
        return Counter(example.slice for example in self.examples)


@dataclass(frozen=True)
class TextClassificationCollator:
    """Makes batches: those of :class:`~kglm.data.entity_inputs.TextCollator`, ``labels`` and ``ids``.

    ``labels`` are ``int64 [B]``, or ``float32 [B, L]`` where an example may have several.
    """

    texts: TextCollator

    def __call__(self, rows: Sequence[tuple[ClassificationExample, EncodedText]]) -> dict[str, Any]:
        """Return the batch of examples."""
        labels = [example.label for example, _ in rows]
        several = isinstance(labels[0], tuple)
        return {
            "ids": [example.id for example, _ in rows],
            **self.texts([encoded for _, encoded in rows]),
            "labels": torch.tensor(labels, dtype=torch.float32 if several else torch.long),
        }
