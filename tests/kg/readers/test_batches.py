import pyarrow as pa

from kglm.kg.readers.batches import merged_batches
from kglm.kg.records import LabelBatch, TripleBatch


def triples(*heads):
    columns = {"heads": heads, "relations": ["r"] * len(heads), "tails": ["t"] * len(heads)}
    arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    return TripleBatch(**arrays, weights=pa.array([1.0] * len(heads)))


def labels(*names, standalone=False):
    preferred = pa.array([False] * len(names))
    return LabelBatch(entities=pa.array(names), texts=pa.array(names), preferred=preferred, standalone=standalone)


def test_small_batches_of_a_kind_are_joined_in_their_order():
    stream = [triples("a"), labels("x"), labels("y", standalone=True), triples("b"), labels("z"), triples()]
    merged = list(merged_batches(iter(stream), rows=100))
    assert [batch.heads.to_pylist() for batch in merged if isinstance(batch, TripleBatch)] == [["a", "b"]]
    found = [(batch.standalone, batch.entities.to_pylist()) for batch in merged if isinstance(batch, LabelBatch)]
    assert found == [(False, ["x", "z"]), (True, ["y"])]


def test_a_batch_goes_on_as_soon_as_it_is_large():
    stream = (triples(name) for name in "abcde")
    assert [batch.heads.to_pylist() for batch in merged_batches(stream, rows=2)] == [["a", "b"], ["c", "d"], ["e"]]
