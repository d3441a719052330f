"""A context encoder and sense vectors that learn to meet: what trains the entity linker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils import ModelOutput

from kglm.errors import ConfigError
from kglm.nn.pooling import masked_mean
from kglm.nn.ragged import segment_log_softmax, segment_sum

START_WEIGHTS = {"log_prior": 0.7, "context": 3.0, "mention": 8.0}
"""Of the features, before training; learned in units of these."""


@dataclass
class SenseMatcherOutput(ModelOutput):
    """What :class:`SenseMatcher` returns.

    Attributes:
        loss: mean negative log-likelihood of the right senses; None where no mention has one.
        logits: ``[sum K]``, log-probabilities of the candidates.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None


class SenseMatcher(nn.Module):
    """A bi-encoder for word senses with cheap sense vectors.

    Blevins and Zettlemoyer (*Moving Down the Long Tail of Word Sense Disambiguation with Gloss Informed
    Bi-encoders*, ACL 2020) train two encoders, one for contexts and one for glosses, of which the second costs twenty
    times as much as the first. Here the vectors g_s of the glosses are computed once, by the encoder as it was
    pretrained, and learn by themselves: a linear map for all, and an offset for each sense that is a candidate in the
    training text::

        e_s = norm(g_s + A g_s + o_s)
        score(m, s) = w_1 log prior(m, s) + w_2 cos(text_m, e_s) + w_3 cos(span_m, e_s)

    with A and o starting at 0, span_m the mean of the last hidden states of the mention's tokens, and text_m that of
    its sentence. Senses that nobody has seen are reached by A and by the context encoder. The scores are the features
    ``log_prior``, ``context`` and ``mention`` of :mod:`kglm.linking.features`, whose scorer is fitted afterwards.

    Args:
        encoder: reads the contexts; it is trained.
        vectors: ``[S, D]``, g of the senses that are trained.
        frozen_layers: so many of the encoder's lowest layers, and its embeddings, stay as they are; -1 trains all.

    Raises:
        ConfigError: the encoder has fewer layers, or vectors of another size.
    """

    glosses: Tensor
    start: Tensor

    def __init__(self, encoder: PreTrainedModel, vectors: np.ndarray, *, frozen_layers: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        dim = encoder.config.hidden_size
        if vectors.shape[1] != dim:
            raise ConfigError(f"the sense vectors have {vectors.shape[1]} dimensions, the encoder {dim}")
        self.register_buffer("glosses", torch.tensor(np.asarray(vectors, dtype=np.float32)), persistent=False)
        self.map = nn.Parameter(torch.zeros(dim, dim))
        self.offsets = nn.Parameter(torch.zeros(len(vectors), dim))
        self.factors = nn.Parameter(torch.ones(len(START_WEIGHTS)))
        self.register_buffer("start", torch.tensor(list(START_WEIGHTS.values())), persistent=False)
        _freeze(encoder, frozen_layers)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        spans: Tensor,
        texts: Tensor,
        candidates: Tensor,
        owners: Tensor,
        log_priors: Tensor,
        right: Tensor,
    ) -> SenseMatcherOutput:
        """Score the candidates of a batch; the shapes are those of :class:`SenseCollator`."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        span = nn.functional.normalize(torch.sparse.mm(spans, hidden.flatten(0, 1)), dim=-1)
        text = nn.functional.normalize(masked_mean(hidden, attention_mask), dim=-1)[texts]
        distinct, places = torch.unique(candidates, return_inverse=True)
        senses = self.senses(distinct)[places]
        weights = self.factors * self.start
        # One cosine of the weighted sum, rather than a sum of cosines: the same, at half the cost.
        query = weights[1] * text + weights[2] * span
        scores = weights[0] * log_priors + (query.index_select(0, owners) * senses).sum(-1)
        logits = segment_log_softmax(scores, owners, len(texts))
        return SenseMatcherOutput(loss=_loss(logits, owners, right, len(texts)), logits=logits)

    def senses(self, rows: Tensor) -> Tensor:
        """Return e of some senses, ``[S', D]``, of length 1."""
        glosses = self.glosses[rows]
        return nn.functional.normalize(glosses + glosses @ self.map + self.offsets[rows], dim=-1)

    @torch.no_grad()
    def table(self, vectors: np.ndarray, entities: np.ndarray) -> np.ndarray:
        """Return e of all entities, ``float32 [N, D]``.

        Args:
            vectors: ``[N, D]``, g of all.
            entities: ``[S]``, which of them were trained.
        """
        glosses = torch.tensor(np.asarray(vectors, dtype=np.float32))
        moved = glosses + glosses @ self.map.cpu()
        moved[torch.from_numpy(entities)] += self.offsets.cpu()
        result: np.ndarray = nn.functional.normalize(moved, dim=-1).numpy()
        return result


def _loss(logits: Tensor, owners: Tensor, right: Tensor, count: int) -> Tensor | None:
    """Return the mean of ``-log sum of p(right)`` over the mentions that have a right candidate."""
    likelihood = segment_sum(logits.exp() * right, owners, count)
    known = segment_sum(right.to(logits.dtype), owners, count) > 0
    if not known.any():
        return None
    return -likelihood[known].clamp(min=1e-12).log().mean()


def _freeze(encoder: PreTrainedModel, frozen_layers: int) -> None:
    if frozen_layers < 0:
        return
    layers = getattr(getattr(encoder, "encoder", None), "layer", None)
    if layers is None or frozen_layers > len(layers):
        have = "no list of layers" if layers is None else f"{len(layers)} layers"
        raise ConfigError(f"frozen_layers is {frozen_layers}, but the encoder has {have}")
    for part in (encoder.get_input_embeddings(), encoder.embeddings, *layers[:frozen_layers]):
        for parameter in part.parameters():
            parameter.requires_grad = False
