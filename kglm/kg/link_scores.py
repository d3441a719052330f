"""Scores of a graph's links, kept with the fingerprint of the graph that numbers them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kglm.errors import DataError, FingerprintMismatchError
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph

MANIFEST = "manifest.json"
SCORES = "scores.npy"


@dataclass(frozen=True)
class LinkScores:
    """What a model says of each link, for :meth:`kglm.kg.paths.ScoredLinks.by_score`.

    Attributes:
        values: ``float32 [links in both directions]``, parallel to ``graph.links.neighbors``.
        fingerprint: of the graph.
        source: how they were made, for the manifest.
    """

    values: np.ndarray
    fingerprint: str
    source: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of the scores."""
        return hashlib.sha256(np.ascontiguousarray(self.values).tobytes()).hexdigest()

    def save(self, folder: Path | str) -> None:
        """Write the scores into ``folder``, all or nothing."""
        with atomic_directory(folder) as temporary:
            np.save(temporary / SCORES, self.values)
            atomic_write_json(temporary / MANIFEST, {"fingerprint": self.fingerprint, "source": self.source})

    @classmethod
    def open(cls, folder: Path | str, graph: KnowledgeGraph) -> LinkScores:
        """Read what :meth:`save` wrote.

        Raises:
            DataError: the folder holds no scores, or damaged ones.
            FingerprintMismatchError: they were made for another graph.
        """
        folder = Path(folder)
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            fingerprint, source = manifest["fingerprint"], manifest["source"]
            values = np.load(folder / SCORES)
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"'{folder}' holds no link scores that can be read ({error})") from error
        if fingerprint != graph.fingerprint:
            remedy = "Make the scores again, or name the graph that they were made for."
            raise FingerprintMismatchError(f"link scores '{folder}'", fingerprint, graph.fingerprint, remedy)
        if values.shape != (len(graph.links.neighbors),):
            raise DataError(f"'{folder}' holds {values.shape} link scores, expected {len(graph.links.neighbors)}")
        return cls(values, fingerprint, source)
