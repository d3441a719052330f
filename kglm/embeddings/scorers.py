"""TransE, DistMult, ComplEx and RotatE of PyG, made to score many candidates at once by matrix products.

The parameters and the score of a triple (``forward``) are those of :mod:`torch_geometric.nn.kge`. What is added: a
question ``(h, r, ?)`` or ``(?, r, t)`` becomes one vector in the space of the entities, so that the scores of B
questions against N candidates are one product ``[B, D] x [D, N]``: the score is a dot product (DistMult, ComplEx), or
a distance through ``|q - c|^2 = |q|^2 - 2 q.c + |c|^2`` (TransE, RotatE).

A relation id ``r + num_relations`` stands for the inverse of ``r``, as in the graph: it asks for heads.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kglm.embeddings.scorer_config import ScorerConfig
from kglm.errors import ConfigError

try:
    from torch_geometric.nn import kge
except ImportError as error:  # pragma: no cover
    raise ConfigError(
        f"knowledge-graph embeddings need torch_geometric, which cannot be imported ({error}); "
        "install it with: pip install 'kglm[pyg]'"
    ) from error

MIN_SQUARED = 1e-9  # of a distance: keeps the gradient of its root finite


class CandidateScorer(kge.KGEModel):
    """What the four models have in common beside PyG's own.

    Args:
        num_entities: N.
        num_relations: R, without inverses.
        config: size and variant.
    """

    def __init__(self, num_entities: int, num_relations: int, config: ScorerConfig) -> None:
        directions = 2 if config.reciprocal else 1
        super().__init__(num_entities, directions * num_relations, config.hidden_channels)
        self.config = config
        self.graph_relations = num_relations
        if config.init_std is not None:
            self._draw(config.init_std)

    def _draw(self, std: float) -> None:
        for name, parameter in self.named_parameters():
            if not (name == "rel_emb.weight" and self.config.model == "rotate"):  # angles
                nn.init.normal_(parameter, std=std)

    def entities(self, ids: Tensor | None = None) -> Tensor:
        """Return the vectors of some entities, or of all: ``[N, D]``."""
        return _rows(self.node_emb, ids)

    def relation_vectors(self, relations: Tensor) -> Tensor:
        """Return the parameters of relations, ``[B, D_r]``: translations, factors (ComplEx: two parts) or angles.

        An inverse without a vector of its own has that of its relation.
        """
        return self.rel_emb(self.relation_rows(relations)[0])

    def relation_rows(self, relations: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows of relations, and the sign by which each is walked, ``[B, 1]``: -1 backwards."""
        if self.config.reciprocal:
            return relations, torch.ones(len(relations), 1, device=relations.device)
        backwards = relations >= self.graph_relations
        return relations % self.graph_relations, torch.where(backwards, -1.0, 1.0).unsqueeze(1)

    def queries(self, anchors: Tensor, relations: Tensor) -> Tensor:
        """Return what is sought as vectors among the entities'.

        Args:
            anchors: vectors of the entities asked about, as :meth:`entities` gives them.
            relations: ids below ``2 * num_relations``.

        Shapes:
            anchors: ``[B, D]``; relations: ``[B]``; out: ``[B, D]``
        """
        raise NotImplementedError

    def scores(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Score every candidate for every query, ``[B, D]`` and ``[N, D]`` to ``[B, N]``; the higher the likelier."""
        return queries @ candidates.T

    def pair_scores(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Score candidates each for its own query, ``[P, D]`` and ``[P, D]`` to ``[P]``."""
        return (queries * candidates).sum(dim=-1)


class _Distance(CandidateScorer):
    """Scores that are distances, with a minus."""

    def scores(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """See :class:`CandidateScorer`."""
        lengths = queries.square().sum(1, keepdim=True)  # [B, 1]
        squared = torch.addmm(candidates.square().sum(1), queries, candidates.T, alpha=-2) + lengths
        return self._negative(squared)

    def pair_scores(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """See :class:`CandidateScorer`."""
        return self._negative((queries - candidates).square().sum(dim=-1))

    def _negative(self, squared: Tensor) -> Tensor:
        return -squared if self.config.distance == "squared" else -squared.clamp_min(MIN_SQUARED).sqrt()

    def forward(self, head_index: Tensor, rel_type: Tensor, tail_index: Tensor) -> Tensor:
        """Score triples: PyG's distance where that is what is asked for, else its square or that of free vectors."""
        queries = self.queries(self.entities(head_index), rel_type)
        return self.pair_scores(queries, self.entities(tail_index))


class TransE(_Distance, kge.TransE):
    """``-|e_h + e_r - e_t|`` (Bordes et al., Translating embeddings for modeling multi-relational data, 2013)."""

    def entities(self, ids: Tensor | None = None) -> Tensor:
        """See :class:`CandidateScorer`."""
        vectors = super().entities(ids)
        return F.normalize(vectors, dim=-1) if self.config.normalize else vectors

    def queries(self, anchors: Tensor, relations: Tensor) -> Tensor:
        """See :class:`CandidateScorer`."""
        rows, sign = self.relation_rows(relations)
        return anchors + sign * self.rel_emb(rows)


class DistMult(CandidateScorer, kge.DistMult):
    """``<e_h, e_r, e_t>`` (Yang et al., Embedding entities and relations for learning and inference, 2015)."""

    def queries(self, anchors: Tensor, relations: Tensor) -> Tensor:
        """See :class:`CandidateScorer`."""
        return anchors * self.rel_emb(self.relation_rows(relations)[0])


class _Complex(CandidateScorer):
    """Vectors of complex numbers, the real parts before the imaginary ones."""

    def entities(self, ids: Tensor | None = None) -> Tensor:
        """See :class:`CandidateScorer`."""
        return torch.cat([_rows(self.node_emb, ids), _rows(self.node_emb_im, ids)], dim=-1)

    def factors(self, relations: Tensor) -> tuple[Tensor, Tensor]:
        """Return the numbers to multiply by, real and imaginary parts ``[B, D/2]``; backwards, their conjugates."""
        raise NotImplementedError

    def queries(self, anchors: Tensor, relations: Tensor) -> Tensor:
        """See :class:`CandidateScorer`."""
        real, imaginary = anchors.chunk(2, dim=-1)
        rel_real, rel_imaginary = self.factors(relations)
        return torch.cat(
            [real * rel_real - imaginary * rel_imaginary, real * rel_imaginary + imaginary * rel_real], dim=-1
        )


class ComplEx(_Complex, kge.ComplEx):
    """``Re <e_h, e_r, conj(e_t)>`` (Trouillon et al., Complex embeddings for simple link prediction, 2016)."""

    def relation_vectors(self, relations: Tensor) -> Tensor:
        """See :class:`CandidateScorer`."""
        rows = self.relation_rows(relations)[0]
        return torch.cat([self.rel_emb(rows), self.rel_emb_im(rows)], dim=-1)

    def factors(self, relations: Tensor) -> tuple[Tensor, Tensor]:
        """See :class:`_Complex`."""
        rows, sign = self.relation_rows(relations)
        return self.rel_emb(rows), sign * self.rel_emb_im(rows)


class RotatE(_Complex, _Distance, kge.RotatE):
    """``-|e_h o e^{i θ_r} - e_t|`` (Sun et al., RotatE: knowledge graph embedding by relational rotation, 2019)."""

    def factors(self, relations: Tensor) -> tuple[Tensor, Tensor]:
        """See :class:`_Complex`."""
        rows, sign = self.relation_rows(relations)
        angles = self.rel_emb(rows)
        return angles.cos(), sign * angles.sin()


_CLASSES: dict[str, type[CandidateScorer]] = {
    "transe": TransE,
    "distmult": DistMult,
    "complex": ComplEx,
    "rotate": RotatE,
}


def build_scorer(num_entities: int, num_relations: int, config: ScorerConfig) -> CandidateScorer:
    """Return an untrained model; its first vectors are drawn from torch's global generator."""
    return _CLASSES[config.model](num_entities, num_relations, config)


def _rows(table: nn.Embedding, ids: Tensor | None) -> Tensor:
    return table.weight if ids is None else table(ids)
