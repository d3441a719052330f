"""A graph named by its source and options, compiled once and kept under a content key."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from kglm.errors import ConfigError, require_file
from kglm.kg.builder import MergeWeights, build_graph
from kglm.kg.checksum import known_sha256
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.manifest import MANIFEST
from kglm.kg.manifest import VERSION as STORE_VERSION
from kglm.kg.normalization import normalize_records, normalizer
from kglm.kg.readers import VERSION as READERS_VERSION
from kglm.kg.readers import check_options, detect_format, option_files, read_records
from kglm.kg.readers.dataset import HUB_PREFIX
from kglm.kg.readers.detection import rdf_files
from kglm.kg.records import Record
from kglm.kg.relations import RelationMap, map_relations
from kglm.kg.shuffling import shuffle_tails
from kglm.kg.tally import Tally

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class GraphRecipe:
    """How a graph is compiled: read, relations mapped, concepts normalised, triples merged.

    Attributes:
        name: what the graph is called in messages.
        source: a file, a folder (of RDF files, of WordNet, of a saved data set), or ``hf://NAME``.
        format: name of the reader; None tells it from the source.
        relation_map: table that merges relations; None keeps them as they are.
        normalization: named, versioned rules for concept names; see :mod:`kglm.kg.normalization`.
        merge_weights: what becomes of the weights of equal triples: ``max`` or ``sum``.
        max_rejected: how many malformed lines are borne before the reading stops.
        shuffle_seed: deal the tails of each relation out anew by this seed: the control graph, see
            :func:`kglm.kg.shuffling.shuffle_tails`; None does not.
        options: the reader's own options.
    """

    name: str
    source: str
    format: str | None = None
    relation_map: str | None = None
    normalization: str = "none"
    merge_weights: MergeWeights = "max"
    max_rejected: int = 100
    shuffle_seed: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        normalizer(self.normalization)
        if self.merge_weights not in get_args(MergeWeights):
            raise ConfigError(
                f"merge_weights is {self.merge_weights!r}; allowed: {', '.join(get_args(MergeWeights))}"
            )
        if self.max_rejected < 0:
            raise ConfigError(f"max_rejected is {self.max_rejected}; allowed: a whole number of at least 0")
        if self.shuffle_seed is not None and self.shuffle_seed < 0:
            raise ConfigError(f"shuffle_seed is {self.shuffle_seed}; allowed: None, or a whole number of at least 0")
        if self.format is not None:
            check_options(self.format, self.options)

    def records(self, tally: Tally) -> Iterator[Record]:
        """Yield the records of the source under the relation map and the normalisation, or those of its control.

        Raises:
            ConfigError: an option is not allowed.
            DataError: the source or the map is missing or malformed.
        """
        # The map first: its mistakes should show before a long reading.
        relation_map = None if self.relation_map is None else RelationMap.read(self.relation_map)
        records = read_records(self.source, tally, self.format, self.options)
        if relation_map is not None:
            records = map_relations(records, relation_map, tally)
        records = normalize_records(records, self.normalization)
        return records if self.shuffle_seed is None else shuffle_tails(records, self.shuffle_seed, self.merge_weights)

    def compile(self, folder: Path | str) -> KnowledgeGraph:
        """Read the source and compile it into ``folder``, with ``rejected.jsonl`` where lines are rejected.

        Raises:
            ConfigError: an option is not allowed.
            DataError: the source is missing, malformed beyond ``max_rejected`` lines, or empty.
        """
        tally = Tally(limit=self.max_rejected)
        try:
            return build_graph(
                self.records(tally),
                folder,
                name=self.name,
                provenance={"recipe": asdict(self)},
                tally=tally,
                merge_weights=self.merge_weights,
            )
        finally:
            if 0 < tally.rejected <= tally.limit:
                logger.warning(tally.summary())

    def content_key(self) -> str:
        """Return a digest of everything that the compiled graph depends on: options and file contents.

        Of a source ``hf://NAME`` it is the name and the options; name a revision where its content may change.

        Raises:
            DataError: a file is missing.
        """
        format = self.format or detect_format(self.source)
        files = option_files(format, self.options)
        options = {
            "name": self.name,
            "format": self.format,
            "normalization": self.normalization,
            "merge_weights": self.merge_weights,
            "limit": self.max_rejected,
            "shuffle_seed": self.shuffle_seed,
            "options": {name: value for name, value in self.options.items() if name not in files},
            "files": sorted(files),
            "version": [STORE_VERSION, READERS_VERSION],
        }
        if self.source.startswith(HUB_PREFIX):
            options["source"] = self.source
        digest = hashlib.sha256(json.dumps(options, sort_keys=True, default=list).encode())
        for path in [*_source_files(self.source, format), *self._further_files(files)]:
            digest.update(hashlib.sha256(os.fsencode(path.name)).digest())
            digest.update(bytes.fromhex(known_sha256(path)))
        return digest.hexdigest()[:16]

    def open(self, cache_dir: Path | str) -> KnowledgeGraph:
        """Open the compiled graph under ``cache_dir``, compiling it first where it is not there yet."""
        folder = Path(cache_dir) / "graphs" / f"{self.name}-{self.content_key()}"
        if (folder / MANIFEST).is_file():
            return KnowledgeGraph.open(folder)
        # What stands under this key without a manifest is a graph that somebody has damaged.
        shutil.rmtree(folder, ignore_errors=True)
        logger.info("compiling graph '%s' from %s", self.name, self.source)
        return self.compile(folder)

    def _further_files(self, options: Mapping[str, Path]) -> list[Path]:
        relation_map = [] if self.relation_map is None else [require_file(self.relation_map, "relation map")]
        return relation_map + [require_file(options[name], name) for name in sorted(options)]


def _source_files(source: str, format: str) -> list[Path]:
    """Return the files behind a source, a folder's in the order of their names."""
    path = Path(source)
    if source.startswith(HUB_PREFIX):
        return []
    if not path.is_dir():
        return [require_file(path, "graph source")]
    if format in {"rdf", "turtle"}:
        return rdf_files(path)
    return sorted(file for file in path.rglob("*") if file.is_file())
