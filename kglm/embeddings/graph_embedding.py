"""A trained knowledge-graph embedding: saved with the fingerprint of its graph, and asked for vectors and scores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from kglm.embeddings.entity_table import EntityTable
from kglm.embeddings.scorer_config import ScorerConfig
from kglm.embeddings.scorers import CandidateScorer, build_scorer
from kglm.errors import DataError, FingerprintMismatchError, KglmError
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
FORMAT = 1


class KnowledgeGraphEmbedding:
    """Vectors of the entities and relations of a graph, and a score for any triple of them.

    Args:
        scorer: the model.
        fingerprint: of the graph that numbers entities and relations.
        relations: names of the relations, by id.
        provenance: how it was trained, for the record; JSON values.
    """

    def __init__(
        self,
        scorer: CandidateScorer,
        fingerprint: str,
        relations: tuple[str, ...],
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        self.scorer = scorer.eval()
        self.fingerprint = fingerprint
        self.relations = relations
        self.provenance = dict(provenance or {})

    @property
    def config(self) -> ScorerConfig:
        """Model, size and variant."""
        return self.scorer.config

    @property
    def dim(self) -> int:
        """D, the size of an entity's vector."""
        return self.config.dim

    def entity_vectors(self) -> np.ndarray:
        """Return ``float32 [N, D]``, by entity id; of complex numbers the real parts, then the imaginary ones."""
        with torch.inference_mode():
            return self.scorer.entities().cpu().numpy()

    def relation_vectors(self) -> np.ndarray:
        """Return ``float32 [R, D_r]``, by relation id: translations, factors, or angles (RotatE)."""
        with torch.inference_mode():
            ids = torch.arange(len(self.relations), device=self.scorer.node_emb.weight.device)
            return self.scorer.relation_vectors(ids).cpu().numpy()

    def triple_scores(self, heads: np.ndarray, relations: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """Score triples, the higher the likelier; of TransE and RotatE it is the distance with a minus.

        Args:
            heads: entity ids ``[n]``.
            relations: relation ids ``[n]``; ``r + R`` is the inverse of ``r``: the triple is walked backwards.
            tails: entity ids ``[n]``.

        Returns:
            ``float32 [n]``.
        """
        with torch.inference_mode():
            queries = self._queries(heads, relations)
            return self.scorer.pair_scores(queries, self.scorer.entities(self._ids(tails))).cpu().numpy()

    def tail_scores(self, heads: np.ndarray, relations: np.ndarray) -> np.ndarray:
        """Score all entities as tails: ``float32 [n, N]`` for ``[n]`` heads and relations, as in
        :meth:`triple_scores`; with ``r + R`` for relations, as heads of ``r``."""
        with torch.inference_mode():
            return self.scorer.scores(self._queries(heads, relations), self.scorer.entities()).cpu().numpy()

    def entity_table(self) -> EntityTable:
        """Return the entities' vectors as a table's structural block."""
        source = {"kind": "knowledge graph embedding", **asdict(self.config), **self.provenance}
        return EntityTable({"structural": self.entity_vectors()}, self.fingerprint, source)

    def save(self, folder: Path | str) -> None:
        """Write ``model.safetensors`` and ``config.json`` into ``folder``, all or nothing."""
        config = {
            "format": FORMAT,
            "scorer": asdict(self.config),
            "num_entities": self.scorer.num_nodes,
            "relations": list(self.relations),
            "fingerprint": self.fingerprint,
            "provenance": self.provenance,
        }
        with atomic_directory(folder) as temporary:
            weights = {name: value.contiguous().cpu() for name, value in self.scorer.state_dict().items()}
            save_file(weights, temporary / WEIGHTS)
            atomic_write_json(temporary / CONFIG, config)

    @classmethod
    def load(cls, folder: Path | str, graph: KnowledgeGraph) -> KnowledgeGraphEmbedding:
        """Read what :meth:`save` wrote.

        Args:
            folder: its folder, or that of a run of ``kglm train`` (whose ``best`` is taken).
            graph: must be the one that it was trained on.

        Raises:
            DataError: the folder holds no embedding, or a damaged one.
            FingerprintMismatchError: it was trained on another graph.
        """
        folder = find_embedding(folder)
        try:
            config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            fingerprint, relations = str(config["fingerprint"]), tuple(config["relations"])
            if config["format"] != FORMAT:
                raise DataError(f"'{folder}' has format {config['format']}; this version of kglm reads {FORMAT}")
            if fingerprint != graph.fingerprint:
                remedy = "Train it again, or name the graph that it was trained on."
                raise FingerprintMismatchError(f"embedding '{folder}'", fingerprint, graph.fingerprint, remedy)
            scorer = build_scorer(config["num_entities"], len(relations), ScorerConfig(**config["scorer"]))
            scorer.load_state_dict(load_file(folder / WEIGHTS))
        except KglmError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise DataError(f"'{folder}' holds no embedding that can be read ({error})") from error
        return cls(scorer, fingerprint, relations, config.get("provenance"))

    def _queries(self, heads: np.ndarray, relations: np.ndarray) -> torch.Tensor:
        return self.scorer.queries(self.scorer.entities(self._ids(heads)), self._ids(relations))

    def _ids(self, ids: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(ids, dtype=np.int64)).to(self.scorer.node_emb.weight.device)


def find_embedding(folder: Path | str) -> Path:
    """Return the folder that holds the embedding: the one named, or ``best`` in a run's.

    Raises:
        DataError: neither does.
    """
    folder = Path(folder)
    for place in (folder, folder / "best"):
        if (place / WEIGHTS).is_file() and (place / CONFIG).is_file():
            return place
    raise DataError(f"'{folder}' holds no embedding: expected {WEIGHTS} and {CONFIG} there or in its folder 'best'")
