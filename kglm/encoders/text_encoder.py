"""Texts, and spans within them, as vectors of a frozen encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kglm.encoders.digest import tokenizer_digest, weights_digest
from kglm.encoders.pretrained import load_encoder
from kglm.errors import ConfigError, DataError
from kglm.nn.pooling import masked_mean

BATCH_TOKENS = 4096
PROGRESS_FROM = 5_000  # texts


@dataclass(frozen=True)
class SpanVectors:
    """Vectors of the spans of N texts, ragged.

    Attributes:
        vectors: ``float32 [M, D]``, the mean of the last hidden states of the tokens that a span touches; not
            normalised. A span that no token touches (white space, or beyond what the encoder reads) is zero.
        texts: ``float32 [N, D]``, as :meth:`TextEncoder.encode` returns them.
        offsets: ``int64 [N + 1]``; the spans of text ``i`` are ``vectors[offsets[i]:offsets[i + 1]]``.
    """

    vectors: np.ndarray
    texts: np.ndarray
    offsets: np.ndarray


class TextEncoder:
    """A Hugging Face encoder in evaluation mode, for vectors of texts.

    Texts are sorted by length and batched by number of tokens, so that little is spent on padding; results come in
    the order of the texts, and do not depend on the batching but for rounding.

    Args:
        model: an encoder; ``last_hidden_state`` is pooled.
        tokenizer: its fast tokenizer.
        name: what the encoder is called, for manifests and messages.
        max_length: tokens read of a text, special tokens included; what lies beyond is cut off.
        device: where the model runs; it is moved there.

    Raises:
        ConfigError: the model cannot read so many tokens, or the tokenizer is no fast one.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        name: str,
        max_length: int = 128,
        device: torch.device | str = "cpu",
    ) -> None:
        if not tokenizer.is_fast:
            raise ConfigError(f"encoder '{name}' has no fast tokenizer, which keeps the places of tokens in the text")
        positions = getattr(model.config, "max_position_embeddings", None) or max_length
        limit = min(positions, tokenizer.model_max_length)
        if not 3 <= max_length <= limit:
            raise ConfigError(f"max_length is {max_length}; allowed with encoder '{name}': 3 to {limit} tokens")
        self.model = model.to(device).eval()  # type: ignore[arg-type]
        self.tokenizer = tokenizer
        self.name = name
        self.max_length = max_length

    @classmethod
    def load(
        cls,
        name: str,
        *,
        options: Mapping[str, Any] | None = None,
        max_length: int = 128,
        device: torch.device | str = "cpu",
    ) -> TextEncoder:
        """Return the encoder of that name; see :func:`kglm.encoders.pretrained.load_encoder`.

        Raises:
            ConfigError: there is no such encoder, or it cannot be loaded.
        """
        model, tokenizer = load_encoder(name, options)
        return cls(model, tokenizer, name=name, max_length=max_length, device=device)

    @property
    def dim(self) -> int:
        """D, the size of a vector."""
        return int(self.model.config.hidden_size)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over weights, tokenizer and ``max_length``: what the vectors depend on, beside the texts."""
        parts = f"{weights_digest(self.model)} {tokenizer_digest(self.tokenizer)} {self.max_length}"
        return hashlib.sha256(parts.encode()).hexdigest()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return ``float32 [N, D]``: the mean of each text's last hidden states (special tokens too), of length 1.

        Raises:
            DataError: a text is not valid Unicode (it has a lone surrogate).
        """
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)

        def pool(rows: list[int], hidden: torch.Tensor, mask: torch.Tensor) -> None:
            vectors[rows] = _mean_of_length_one(hidden, mask)

        self._read(self._tokenize(texts, places=False), pool)
        return vectors

    def encode_spans(self, texts: Sequence[str], spans: Sequence[Sequence[tuple[int, int]]]) -> SpanVectors:
        """Return the vectors of spans, and of their texts, from one reading of each text.

        Args:
            texts: N of them.
            spans: for each text, places ``(start, end)`` in characters.

        Raises:
            DataError: a text is not valid Unicode, or texts and lists of spans differ in number.
        """
        if len(texts) != len(spans):
            raise DataError(f"{len(texts)} texts, but {len(spans)} lists of spans; expected one for each text")
        offsets = np.concatenate(([0], np.cumsum([len(places) for places in spans], dtype=np.int64)))
        pooled = np.empty((len(texts), self.dim), dtype=np.float32)
        vectors = np.zeros((int(offsets[-1]), self.dim), dtype=np.float32)
        tokens = self._tokenize(texts, places=True)

        def pool(rows: list[int], hidden: torch.Tensor, mask: torch.Tensor) -> None:
            pooled[rows] = _mean_of_length_one(hidden, mask)
            for row, states in zip(rows, hidden, strict=True):
                if spans[row]:
                    share = torch.from_numpy(span_shares(tokens["offset_mapping"][row], spans[row]))
                    vectors[offsets[row] : offsets[row + 1]] = (
                        (share.to(states) @ states[: share.shape[1]]).cpu().numpy()
                    )

        self._read(tokens, pool)
        return SpanVectors(vectors, pooled, offsets)

    def _tokenize(self, texts: Sequence[str], *, places: bool) -> Any:
        for position, text in enumerate(texts):
            try:
                text.encode("utf-8")
            except UnicodeEncodeError as error:
                raise DataError(
                    f"text {position} has a lone surrogate at character {error.start}, which no encoder reads"
                ) from error
        if not texts:
            return {"input_ids": [], "offset_mapping": []}
        return self.tokenizer(
            list(texts),
            truncation=True,
            max_length=self.max_length,
            return_attention_mask=False,
            return_offsets_mapping=places,
        )

    @torch.inference_mode()
    def _read(self, tokens: Any, pool: Callable[[list[int], torch.Tensor, torch.Tensor], None]) -> None:
        ids = tokens["input_ids"]
        kinds = {key: tokens[key] for key in ("input_ids", "token_type_ids") if key in tokens}
        silent = None if len(ids) >= PROGRESS_FROM else True
        with tqdm(total=len(ids), desc="encoding", unit="text", disable=silent) as progress:
            for rows in batches_by_length([len(row) for row in ids], BATCH_TOKENS):
                fields = {key: [values[row] for row in rows] for key, values in kinds.items()}
                batch = self.tokenizer.pad(fields, return_tensors="pt").to(self.model.device)
                pool(rows, self.model(**batch).last_hidden_state.float(), batch["attention_mask"])
                progress.update(len(rows))


def batches_by_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yield the positions of texts, the longest first, in batches of at most ``budget`` tokens with padding.

    A text of more than ``budget`` tokens is a batch of its own.
    """
    order = sorted(range(len(lengths)), key=lambda position: lengths[position], reverse=True)
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def span_shares(places: Sequence[tuple[int, int]], spans: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return ``float32 [M, T]``: the share of each token in the mean over a span, 0 for a token it does not touch.

    Args:
        places: of T tokens, in characters; special tokens have an empty one.
        spans: M spans in characters.
    """
    starts, ends = np.asarray(places, dtype=np.int64).reshape(-1, 2).T
    first, last = np.asarray(spans, dtype=np.int64).reshape(-1, 2).T
    touched = (starts < last[:, None]) & (ends > first[:, None]) & (ends > starts)
    return (touched / np.maximum(touched.sum(1, keepdims=True), 1)).astype(np.float32)


def _mean_of_length_one(hidden: torch.Tensor, mask: torch.Tensor) -> np.ndarray:
    return torch.nn.functional.normalize(masked_mean(hidden, mask), dim=-1).cpu().numpy()
