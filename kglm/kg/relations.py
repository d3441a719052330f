"""Merging the relations of a source into fewer by a reviewed table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import DataError, UnknownNameError, did_you_mean, require_file
from kglm.kg.readers.lines import read_lines
from kglm.kg.records import Record, Records, Triple, TripleBatch
from kglm.kg.tally import Tally

DROPPED = "dropped by the relation map"
COLUMNS = ["source", "target", "direction"]


class Direction(StrEnum):
    """What becomes of a triple's direction under a map."""

    SAME = "same"
    REVERSED = "reversed"
    DROPPED = "dropped"


@dataclass(frozen=True)
class RelationMap:
    """From a source's relation to the relation it becomes, and whether head and tail change places."""

    targets: Mapping[str, tuple[str, Direction]]

    @classmethod
    def read(cls, path: Path | str) -> RelationMap:
        """Read a tab-separated table with the columns ``source target direction``.

        Raises:
            DataError: the file is missing, has another header, or a malformed or repeated row.
        """
        path = require_file(path, "relation map")
        targets: dict[str, tuple[str, Direction]] = {}
        place = Tally(limit=0)
        lines = read_lines(path, place)
        header = next(lines, "").split("\t")
        if header != COLUMNS:
            raise DataError.at(path, 1, f"the header is {header}, expected {COLUMNS}")
        for line in lines:
            if line.strip():
                row = line.split("\t")
                targets[row[0]] = cls._parse(path, place.line, row, targets)
        return cls(targets)

    @staticmethod
    def _parse(path: Path, line: int, row: list[str], seen: Mapping[str, object]) -> tuple[str, Direction]:
        if len(row) != len(COLUMNS):
            raise DataError.at(path, line, f"{len(row)} columns, expected {len(COLUMNS)}: {COLUMNS}")
        source, target, direction = row
        if not source or not target:
            raise DataError.at(path, line, f"source '{source}' and target '{target}' must not be empty")
        if source in seen:
            raise DataError.at(path, line, f"relation '{source}' stands twice")
        if direction not in list(Direction):
            allowed = [str(item) for item in Direction]
            raise DataError.at(
                path, line, f"direction '{direction}', expected one of {allowed}{did_you_mean(direction, allowed)}"
            )
        return target, Direction(direction)

    def apply(self, triple: Triple) -> Triple | None:
        """Return the triple under the map, or None where it is dropped.

        Raises:
            UnknownNameError: the map has no row for the triple's relation.
        """
        if triple.relation not in self.targets:
            raise UnknownNameError("relation", triple.relation, self.targets)
        target, direction = self.targets[triple.relation]
        if direction is Direction.DROPPED:
            return None
        if direction is Direction.REVERSED:
            return triple._replace(head=triple.tail, relation=target, tail=triple.head)
        return triple._replace(relation=target)


def map_relations(records: Records, relation_map: RelationMap, tally: Tally) -> Iterator[Record]:
    """Yield records with their relations merged.

    A triple that the map drops is counted as skipped; one of an unknown relation is rejected.
    """
    for record in records:
        if isinstance(record, TripleBatch):
            mapped = _map_batch(record, relation_map, tally)
            if len(mapped):
                yield mapped
        elif isinstance(record, Triple):
            try:
                triple = relation_map.apply(record)
            except UnknownNameError as error:
                tally.refuse(str(error))
                continue
            if triple is None:
                tally.drop(DROPPED)
            else:
                yield triple
        else:
            yield record


def _map_batch(batch: TripleBatch, relation_map: RelationMap, tally: Tally) -> TripleBatch:
    encoded = batch.relations.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    rules = [relation_map.targets.get(name) for name in names]
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    dropped = np.array([rule is not None and rule[1] is Direction.DROPPED for rule in rules], dtype=bool)
    unknown = np.array([rule is None for rule in rules], dtype=bool)
    for row in np.flatnonzero(unknown[codes]).tolist():
        error = UnknownNameError("relation", names[codes[row]], relation_map.targets)
        line = None if batch.lines is None else batch.lines[row].as_py()
        head, relation, tail = (column[row].as_py() for column in (batch.heads, batch.relations, batch.tails))
        tally.refuse(str(error), line, f"{head}\t{relation}\t{tail}")
    tally.drop(DROPPED, int(np.count_nonzero(dropped[codes])))
    kept = pa.array(np.flatnonzero(~(unknown | dropped)[codes]))
    reversal = np.array([rule is not None and rule[1] is Direction.REVERSED for rule in rules], dtype=bool)
    turned = pa.array(reversal[codes]).take(kept)
    targets = pa.array([None if rule is None else rule[0] for rule in rules], type=pa.string())
    heads, tails = batch.heads.take(kept), batch.tails.take(kept)
    return TripleBatch(
        heads=pc.if_else(turned, tails, heads),
        relations=targets.take(encoded.indices.take(kept)),
        tails=pc.if_else(turned, heads, tails),
        weights=batch.weights.take(kept),
        sources=None if batch.sources is None else batch.sources.take(kept),
        lines=None if batch.lines is None else batch.lines.take(kept),
    )
