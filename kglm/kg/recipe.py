"""A graph named by its source and options, compiled once and kept under a content key."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from kglm.errors import require_file
from kglm.kg.builder import build_graph
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.manifest import MANIFEST, VERSION
from kglm.kg.readers import read_records
from kglm.kg.relations import RelationMap, map_relations
from kglm.kg.tally import Tally

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class GraphRecipe:
    """How a graph is compiled.

    Attributes:
        name: what the graph is called in messages.
        source: a file, or a folder of Turtle files.
        format: name of the reader; None tells it from the source.
        relation_map: table that merges relations; None keeps them as they are.
        max_rejected: how many malformed lines are skipped before the reading stops.
    """

    name: str
    source: str
    format: str | None = None
    relation_map: str | None = None
    max_rejected: int = 100

    def compile(self, folder: Path | str) -> KnowledgeGraph:
        """Read the source and compile it into ``folder``.

        Raises:
            DataError: the source is missing, malformed beyond ``max_rejected`` lines, or empty.
        """
        tally = Tally(limit=self.max_rejected)
        records = read_records(self.source, tally, self.format)
        if self.relation_map is not None:
            records = iter(map_relations(records, RelationMap.read(self.relation_map), tally))
        try:
            return build_graph(records, folder, name=self.name, provenance={"recipe": asdict(self)}, tally=tally)
        finally:
            if 0 < tally.rejected <= tally.limit:
                logger.warning(tally.summary())

    def content_key(self) -> str:
        """Return a digest of everything that the compiled graph depends on: options and file contents."""
        options = {"name": self.name, "format": self.format, "limit": self.max_rejected, "version": VERSION}
        digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
        relation_map = [] if self.relation_map is None else [require_file(self.relation_map, "relation map")]
        for path in _files(Path(self.source)) + relation_map:
            digest.update(hashlib.sha256(os.fsencode(path.name)).digest())
            with path.open("rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
        return digest.hexdigest()[:16]

    def open(self, cache_dir: Path | str) -> KnowledgeGraph:
        """Open the compiled graph under ``cache_dir``, compiling it first where it is not there yet."""
        folder = Path(cache_dir) / "graphs" / f"{self.name}-{self.content_key()}"
        if (folder / MANIFEST).is_file():
            return KnowledgeGraph.open(folder)
        logger.info("compiling graph '%s' from %s", self.name, self.source)
        return self.compile(folder)


def _files(source: Path) -> list[Path]:
    """Return the files behind a source, a folder's in the order of their names."""
    return sorted(source.glob("*.ttl")) if source.is_dir() else [require_file(source, "graph source")]
