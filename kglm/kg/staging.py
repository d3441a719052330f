"""The records of a graph in the making, held by DuckDB: numbered, joined, merged and sorted out of core.

Memory stays within a limit whatever the size of the graph; what does not fit goes to a folder on disk. Every result
is sorted by a key that leaves no ties, so that it depends neither on the number of threads nor, but for the first
preferred label and the first description of an entity, on the order of the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.errors import ConfigError, DataError, GraphError
from kglm.kg.batching import Batch, DescriptionBatch
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, WEIGHT_EXPECTED, LabelBatch, TripleBatch

MAX_RELATIONS = np.iinfo(np.int16).max // 2
MAX_SOURCES = np.iinfo(np.uint16).max
ROWS = 1 << 17
THREAD_BYTES = 125_000_000  # what DuckDB's documentation reckons for a thread
MergeWeights = Literal["max", "sum"]

SCHEMA = """
    CREATE TABLE staged (head VARCHAR, relation INTEGER, tail VARCHAR, weight FLOAT, bits INTEGER, source INTEGER);
    CREATE TABLE staged_labels (entity VARCHAR, text VARCHAR, preferred BOOLEAN, count BIGINT, position BIGINT);
    CREATE TABLE staged_descriptions (entity VARCHAR, text VARCHAR, position BIGINT);
    CREATE TABLE staged_standalone (entity VARCHAR);
"""
ENTITIES = """
    CREATE TABLE entities AS
    SELECT name FROM (
        SELECT head AS name FROM staged UNION SELECT tail FROM staged UNION SELECT entity FROM staged_standalone
    ) ORDER BY name
"""
# The source of a merged triple is that of the heaviest; among equals the first by name, a known one before none. The
# bits of positive floats order as the floats do, so one number holds weight and source.
EDGES = """
    CREATE TABLE edges AS
    SELECT h.rowid::INTEGER AS head, t.rowid::INTEGER AS tail, r.rank AS relation, {weight} AS weight,
        {max_sources} - (max(s.bits::BIGINT * 65536 + ({max_sources} - q.rank)) & 65535) AS source
    FROM staged s
    JOIN entities h ON s.head = h.name
    JOIN entities t ON s.tail = t.name
    JOIN relation_ranks r ON s.relation = r.code
    JOIN source_ranks q ON s.source = q.code
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
"""
# Ordered, since a sum of floats depends on their order; in single precision, as it is stored, so that sums that are
# stored as equal are equal in every comparison.
MERGED_WEIGHT = {
    "max": "max(s.weight)",
    "sum": "coalesce(try_cast(sum(s.weight::DOUBLE ORDER BY s.weight) AS FLOAT), 'inf'::FLOAT)",
}
OUTGOING = "SELECT head AS row, tail AS neighbor, relation, weight, source FROM edges"
INCOMING = "SELECT tail AS row, head AS neighbor, relation, weight FROM edges ORDER BY 1, 2, 3"
LINKS = """
    SELECT a AS row, b AS neighbor, max(weight) AS weight
    FROM (SELECT head AS a, tail AS b, weight FROM edges UNION ALL SELECT tail, head, weight FROM edges)
    WHERE a <> b GROUP BY a, b ORDER BY a, max(weight) DESC, b
"""
LABELS = """
    CREATE TABLE labels AS
    SELECT e.rowid AS id, coalesce(p.text, replace(e.name, '_', ' ')) AS text
    FROM entities e LEFT JOIN (
        SELECT entity, arg_min(text, position) AS text
        FROM staged_labels WHERE preferred AND text <> '' GROUP BY entity
    ) p ON p.entity = e.name
    ORDER BY e.rowid
"""
FORMS = """
    SELECT text, id, max(count) AS count FROM (
        SELECT l.text, e.rowid AS id, l.count FROM staged_labels l JOIN entities e ON l.entity = e.name
        WHERE l.text <> ''
        UNION ALL SELECT text, id, 0 FROM labels
    ) GROUP BY text, id ORDER BY text, id
"""
DESCRIPTIONS = """
    SELECT coalesce(d.text, '') AS text
    FROM entities e LEFT JOIN (
        SELECT entity, arg_min(text, position) AS text
        FROM staged_descriptions WHERE text <> '' GROUP BY entity
    ) d ON d.entity = e.name
    ORDER BY e.rowid
"""


class Staging:
    """Takes in batches, then compiles them into sorted tables.

    Args:
        folder: an empty folder for what does not fit into memory; the caller removes it.
        memory: limit for DuckDB, such as ``3GB``.

    Raises:
        ConfigError: ``memory`` is not a size, or next to nothing.
        GraphError: on leaving the block, where DuckDB could not do the work: memory or disk ran out.
    """

    def __init__(self, folder: Path, memory: str) -> None:
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("SET temp_directory = ?", [str(folder)])
        self._limit(memory)
        # The queries below rely on it: a table is read in the order in which it was written, and rowid counts along
        # (https://duckdb.org/docs/stable/sql/dialect/order_preservation).
        self._connection.execute("SET preserve_insertion_order = true")
        # Else a batch of more than 2 GB of text, some thousand long descriptions, could not be handed over.
        self._connection.execute("SET arrow_large_buffer_size = true")
        self._connection.execute(SCHEMA)
        self._relations: dict[str, int] = {}
        self._sources: dict[str, int] = {"": 0}
        self._num_texts = 0

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self._connection.close()
        if isinstance(error, duckdb.Error):
            raise _failure(error) from error

    def add(self, batch: Batch) -> None:
        """Take in a batch. A null among sources means none, among counts 0, among ``preferred`` no.

        Raises:
            DataError: a name or text is null or not valid UTF-8, a weight cannot be stored, or a count is negative.
            GraphError: there are too many relations or sources.
        """
        if not len(batch):
            return
        if isinstance(batch, TripleBatch):
            self._insert("staged", self._triple_columns(batch))
        elif isinstance(batch, LabelBatch):
            columns = {
                "entity": _texts(batch.entities, "the entity of a label"),
                "text": _texts(batch.texts, "the text of a label"),
                "preferred": batch.preferred,
                "count": _counts(batch),
            }
            self._insert("staged_labels", columns | self._positions(batch))
            if batch.standalone:
                self._insert("staged_standalone", {"entity": pc.unique(columns["entity"])})
        elif isinstance(batch, DescriptionBatch):
            columns = {
                "entity": _texts(batch.entities, "the entity of a description"),
                "text": _texts(batch.texts, "the text of a description"),
            }
            self._insert("staged_descriptions", columns | self._positions(batch))
        else:
            raise TypeError(f"{type(batch).__name__} is not a record of a graph")

    def compile(self, merge_weights: MergeWeights) -> None:
        """Number the entities, and merge equal triples into edges."""
        self._rank("relation_ranks", self._relations)
        self._rank("source_ranks", self._sources)
        self._connection.execute(ENTITIES)
        self._connection.execute(EDGES.format(weight=MERGED_WEIGHT[merge_weights], max_sources=MAX_SOURCES))
        self._connection.execute("DROP TABLE staged")
        self._connection.execute(LABELS)

    @property
    def relations(self) -> list[str]:
        """The relations, in the order of their numbers."""
        return _ordered(self._relations)

    @property
    def sources(self) -> list[str]:
        """The sources, in the order of their numbers; the last is the empty one."""
        return _ordered(self._sources)

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self._connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0])

    def weight_values(self) -> np.ndarray:
        """Return the distinct weights of the edges, ``float32``, ascending."""
        batches = self.rows("SELECT DISTINCT weight FROM edges ORDER BY 1")
        return np.concatenate([np.zeros(0, np.float32), *(batch["weight"].to_numpy() for batch in batches)])

    def rows(self, query: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a query in batches.

        Raises:
            GraphError: memory or disk ran out.
        """
        try:
            yield from self._connection.sql(query).to_arrow_reader(ROWS)
        except (OSError, pa.ArrowException) as error:  # as which DuckDB's own come through Arrow
            raise _failure(error) from error

    def _limit(self, memory: str) -> None:
        """Set the limit of memory, and keep many cores from running out of little memory."""
        query = "SELECT current_setting('threads'), parse_formatted_bytes(current_setting('memory_limit'))"
        try:
            self._connection.execute("SET memory_limit = ?", [memory])
            threads, limit = self._connection.sql(query).fetchall()[0]
            self._connection.execute(f"SET threads = {max(1, min(threads, limit // THREAD_BYTES))}")
        except duckdb.Error as error:
            self._connection.close()
            raise ConfigError(
                f"memory is '{memory}', expected a size such as '3GB' ({_first_line(error)})"
            ) from error

    def _insert(self, table: str, columns: dict[str, pa.Array]) -> None:
        self._connection.register("batch", pa.table(columns))
        try:
            self._connection.execute(f"INSERT INTO {table} SELECT * FROM batch")
        except duckdb.InvalidInputException as error:
            raise DataError(f"a text is not valid UTF-8 ({_first_line(error)})") from error
        self._connection.unregister("batch")

    def _triple_columns(self, batch: TripleBatch) -> dict[str, pa.Array]:
        heads, tails = _texts(batch.heads, "the head of a triple"), _texts(batch.tails, "the tail of a triple")
        relations = _texts(batch.relations, "the relation of a triple")
        _require_weights(batch)
        # Not safe in Arrow's sense, as it rounds a large integer.
        weights = batch.weights.cast(pa.float32(), safe=False)
        sources = pa.repeat("", len(batch)) if batch.sources is None else pc.fill_null(batch.sources, "")
        return {
            "head": heads,
            "relation": _coded(relations, self._relations, MAX_RELATIONS, "relations"),
            "tail": tails,
            "weight": weights,
            "bits": pa.array(weights.to_numpy(zero_copy_only=False).view(np.int32)),
            "source": _coded(
                _texts(sources, "the source of a triple"), self._sources, MAX_SOURCES, "sources of triples"
            ),
        }

    def _positions(self, batch: Batch) -> dict[str, pa.Array]:
        start, self._num_texts = self._num_texts, self._num_texts + len(batch)
        return {"position": pa.array(np.arange(start, self._num_texts))}

    def _rank(self, table: str, codes: dict[str, int]) -> None:
        """Write a table from the codes in the order of their coming to ranks in the order of the names."""
        ranks = pa.table({"code": [codes[name] for name in _ordered(codes)], "rank": list(range(len(codes)))})
        self._connection.register("batch", ranks)
        self._connection.execute(f"CREATE TABLE {table} AS SELECT * FROM batch")
        self._connection.unregister("batch")


def _failure(error: BaseException) -> GraphError:
    remedy = "more memory, or more room on the disk, may help"
    return GraphError(f"the graph could not be compiled ({_first_line(error)}); {remedy}")


def _first_line(error: BaseException) -> str:
    """Return what happened, without the advice that follows to those who write SQL."""
    return str(error).partition("\n")[0]


def _ordered(names: Iterable[str]) -> list[str]:
    """Return names sorted, the empty one last, so that a triple with a known source keeps it."""
    return sorted(names, key=lambda name: (not name, name))


def _texts(column: pa.Array | pa.ChunkedArray, what: str) -> pa.Array:
    """Return a column of any type of text, sliced, chunked or dictionary-encoded, as a plain array.

    Raises:
        DataError: a value is null.
    """
    if column.null_count:
        raise DataError(f"{what} is null in row {pc.index(column.is_null(), True).as_py()} of a batch")
    texts = column.cast(pa.large_string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def _coded(column: pa.Array, codes: dict[str, int], limit: int, what: str) -> pa.Array:
    """Return the codes of a column's texts, new ones added to ``codes``."""
    encoded = column.dictionary_encode()
    try:
        names = encoded.dictionary.to_pylist()
    except UnicodeDecodeError as error:
        raise DataError(f"one of the {what} is {error.object!r}, which is not valid UTF-8") from error
    for name in names:
        codes.setdefault(name, len(codes))
    if len(codes) > limit:
        raise GraphError(f"{len(codes)} {what}; at most {limit} can be stored")
    return pa.array([codes[name] for name in names], pa.int32()).take(encoded.indices)


def _counts(batch: LabelBatch) -> pa.Array:
    if batch.counts is None:
        return pa.array(np.zeros(len(batch), dtype=np.int64))
    counts = pc.fill_null(batch.counts, 0)
    first = pc.index(pc.less(counts, 0), True).as_py()
    if first >= 0:
        label = f"the label '{batch.texts[first]}' of '{batch.entities[first]}'"
        raise DataError(f"{label} has count {batch.counts[first]}, expected 0 or more")
    return counts


def _require_weights(batch: TripleBatch) -> None:
    fits = pc.and_(pc.greater_equal(batch.weights, MIN_WEIGHT), pc.less_equal(batch.weights, MAX_WEIGHT))
    first = pc.index(fits.fill_null(False), False).as_py()
    if first >= 0:
        triple = " ".join(column[first].as_py() for column in (batch.heads, batch.relations, batch.tails))
        raise DataError(f"the triple {triple} has weight {batch.weights[first].as_py()}, {WEIGHT_EXPECTED}")
