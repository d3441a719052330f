"""The control of a graph: its concepts, labels, relations and degrees, but not who is joined to whom."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kglm.kg.batching import batches
from kglm.kg.records import Record, Records, Triple, TripleBatch
from kglm.kg.staging import MergeWeights


def shuffle_tails(records: Records, seed: int, merge_weights: MergeWeights = "max") -> Iterator[Record]:
    """Yield records with the tails of the triples of each relation dealt out anew.

    Equal triples become one first. Then each keeps its head, relation, weight and source, and each concept its number
    of edges of each kind, save that a triple whose new tail is its head is left out, and that triples which have
    become equal merge when they are compiled. What a model gains
    from a graph must vanish on this control. The result depends on the triples and the seed, not on the order of the
    records; all triples are held in memory.

    Args:
        records: triples, whose relations are merged already, and anything else, which passes as it is.
        seed: another one deals them out otherwise.
        merge_weights: what becomes of the weights of equal triples, ``max`` or ``sum``.
    """
    triples: list[Triple | TripleBatch] = []
    for record in records:
        if isinstance(record, Triple | TripleBatch):
            triples.append(record)
        else:
            yield record
    if triples:
        gathered = [batch for batch in batches(triples) if isinstance(batch, TripleBatch)]
        yield _shuffle(_merged(gathered, merge_weights), seed)


def _merged(triples: list[TripleBatch], merge_weights: MergeWeights) -> pa.Table:
    """Return the different triples, in an order of their own; the source is that of the heaviest."""
    columns = {
        "relation": [batch.relations for batch in triples],
        "head": [batch.heads for batch in triples],
        "tail": [batch.tails for batch in triples],
        "weight": [batch.weights for batch in triples],
        "source": [batch.sources or pa.array([""] * len(batch)) for batch in triples],
    }
    types = {name: pa.float64() if name == "weight" else pa.large_string() for name in columns}
    chunks = {name: pa.chunked_array([a.cast(types[name]) for a in arrays]) for name, arrays in columns.items()}
    key = ["relation", "head", "tail"]
    order = [*((name, "ascending") for name in key), ("weight", "descending"), ("source", "ascending")]
    table = pa.table(chunks).sort_by(order)
    grouped = pa.TableGroupBy(table, key, use_threads=False)  # so that the first is that of the order
    return grouped.aggregate([("weight", merge_weights), ("source", "first")]).rename_columns(list(columns))


def _shuffle(table: pa.Table, seed: int) -> TripleBatch:
    relations = table["relation"].combine_chunks()
    codes = relations.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    rows = np.arange(len(codes))
    generator = np.random.default_rng(seed)
    for members in np.split(rows, np.flatnonzero(np.diff(codes)) + 1):
        rows[members] = generator.permutation(members)
    heads, tails = table["head"].combine_chunks(), table["tail"].combine_chunks().take(pa.array(rows))
    kept = pa.array(np.flatnonzero(pc.not_equal(heads, tails).to_numpy(zero_copy_only=False)))
    columns = (heads, relations, tails, table["weight"].combine_chunks(), table["source"].combine_chunks())
    heads, relations, tails, weights, sources = (column.take(kept) for column in columns)
    return TripleBatch(heads=heads, relations=relations, tails=tails, weights=weights, sources=sources)
