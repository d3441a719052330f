"""The control of a graph: its concepts, labels, relations and degrees, but not who is joined to whom."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from kglm.kg.batching import batches
from kglm.kg.records import Record, Records, TripleBatch


def shuffle_tails(records: Records, seed: int) -> Iterator[Record]:
    """Yield records with the tails of the triples of each relation dealt out anew.

    A triple keeps its head, relation, weight and source, and each concept its number of edges of each kind, save that
    a triple whose new tail is its head is left out, and equal ones merge when they are compiled. What a model gains
    from a graph must vanish on this control. The result depends on the triples and the seed, not on the order of the
    records; all triples are held in memory.

    Args:
        records: triples, whose relations are merged already, and anything else, which passes as it is.
        seed: another one deals them out otherwise.
    """
    triples: list[TripleBatch] = []
    for batch in batches(records):
        if isinstance(batch, TripleBatch):
            triples.append(batch)
        else:
            yield batch  # type: ignore[misc]  # a batch of descriptions, which the builder takes too
    if triples:
        yield _shuffle(_as_table(triples), seed)


def _as_table(triples: list[TripleBatch]) -> pa.Table:
    """Return all triples, in an order of their own."""
    columns = {
        "relation": [batch.relations for batch in triples],
        "head": [batch.heads for batch in triples],
        "tail": [batch.tails for batch in triples],
        "weight": [batch.weights for batch in triples],
        "source": [batch.sources or pa.array([""] * len(batch)) for batch in triples],
    }
    types = {name: pa.float64() if name == "weight" else pa.large_string() for name in columns}
    table = pa.table(
        {name: pa.chunked_array([a.cast(types[name]) for a in arrays]) for name, arrays in columns.items()}
    )
    return table.sort_by([(name, "ascending") for name in columns])


def _shuffle(table: pa.Table, seed: int) -> TripleBatch:
    relations = table["relation"].combine_chunks()
    codes = relations.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    rows = np.arange(len(codes))
    generator = np.random.default_rng(seed)
    for members in np.split(rows, np.flatnonzero(np.diff(codes)) + 1):
        rows[members] = generator.permutation(members)
    heads, tails = table["head"].combine_chunks(), table["tail"].combine_chunks().take(pa.array(rows))
    kept = pa.array(np.flatnonzero(pa.compute.not_equal(heads, tails).to_numpy(zero_copy_only=False)))
    columns = (heads, relations, tails, table["weight"].combine_chunks(), table["source"].combine_chunks())
    heads, relations, tails, weights, sources = (column.take(kept) for column in columns)
    return TripleBatch(heads=heads, relations=relations, tails=tails, weights=weights, sources=sources)
