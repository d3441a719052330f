"""A cross-encoder: one model reads query and text together (Nogueira and Cho, 2019: arXiv 1901.04085)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from kglm.errors import ConfigError


class CrossEncoder:
    """Scores pairs with a sequence-classification model of one label; use it as a reranker.

    Args:
        model: with ``num_labels=1``.
        tokenizer: of the model.
        batch_size: pairs read at once.
        max_length: tokens read of a pair; the text, not the query, is cut off.

    Raises:
        ConfigError: the model has several labels.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        batch_size: int = 32,
        max_length: int = 256,
    ) -> None:
        if model.config.num_labels != 1:
            raise ConfigError(f"the cross-encoder has {model.config.num_labels} labels; expected 1, the relevance")
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.batch_size = batch_size
        self.max_length = max_length

    @classmethod
    def load(cls, name: str, **options: int) -> CrossEncoder:
        """Return a model from a folder or the Hub, such as ``cross-encoder/ms-marco-MiniLM-L6-v2``.

        Raises:
            ConfigError: there is no such model, or it has several labels.
        """
        try:
            model = AutoModelForSequenceClassification.from_pretrained(name)
            tokenizer = AutoTokenizer.from_pretrained(name)
        except (OSError, ValueError) as error:
            raise ConfigError(f"the cross-encoder '{name}' cannot be loaded ({error})") from error
        return cls(model, tokenizer, **options)

    @torch.inference_mode()
    def __call__(self, pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        """Return ``float32 [P]``, the model's logit of each pair."""
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
        scores = np.empty(len(pairs), dtype=np.float32)
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            batch = self.tokenizer(
                [pairs[row][0] for row in rows],
                [pairs[row][1] for row in rows],
                padding=True,
                truncation="only_second",
                max_length=self.max_length,
                return_tensors="pt",
            ).to(self.model.device)
            scores[rows] = self.model(**batch).logits[:, 0].float().cpu().numpy()
        return scores
