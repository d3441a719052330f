"""Merging the relations of a source into fewer by a reviewed table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kglm.errors import DataError, UnknownNameError, did_you_mean, require_file
from kglm.kg.readers.lines import read_lines
from kglm.kg.records import Record, Records, Triple
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
            return Triple(triple.tail, target, triple.head, triple.weight)
        return triple._replace(relation=target)


def map_relations(records: Records, relation_map: RelationMap, tally: Tally) -> Records:
    """Yield records with their relations merged; a triple of an unknown relation is rejected."""
    for record in records:
        mapped: Record | None = record
        if isinstance(record, Triple):
            try:
                mapped = relation_map.apply(record)
            except UnknownNameError as error:
                tally.refuse(str(error))
                continue
        if mapped is not None:
            yield mapped
        else:
            tally.drop(DROPPED)
