"""Linkers as the configuration describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kglm.linking.options import EntityLinkerOptions, Kind

if TYPE_CHECKING:
    from kglm.embeddings import EntityTable
    from kglm.kg import KnowledgeGraph
    from kglm.linking import EntityLinker


@dataclass(frozen=True, kw_only=True)
class EntityLinkerSettings:
    """An entity linker: trained, from a folder, or untrained with an encoder; see :class:`EntityLinkerOptions`."""

    folder: str | None
    encoder: str
    kind: str
    max_candidates: int
    keep: int
    min_probability: float
    drop_nil: bool
    beside: int
    max_words: int

    def options(self) -> EntityLinkerOptions:
        """Return the linker's options, checked."""
        kind: Kind = self.kind  # type: ignore[assignment]  # checked there
        return EntityLinkerOptions(
            kind=kind,
            max_candidates=self.max_candidates,
            keep=self.keep,
            min_probability=self.min_probability,
            drop_nil=self.drop_nil,
            beside=self.beside,
            max_words=self.max_words,
        )

    def open(self, graph: KnowledgeGraph, table: EntityTable | None = None) -> EntityLinker:
        """Return the linker of a graph.

        Args:
            graph: the graph.
            table: vectors of its entities, for a linker that has none of its own.
        """
        from kglm.linking import EntityLinker

        if self.folder is not None:
            return EntityLinker.load(self.folder, graph)
        return EntityLinker(graph, encoder=self.encoder, options=self.options(), table=table)
