import numpy as np
import pytest

from kglm.embeddings.entity_table import MANIFEST, EntityTable
from kglm.errors import DataError, FingerprintMismatchError
from kglm.kg import Triple


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(Triple("trowel", "UsedFor", "dig"))


def table_for(graph):
    vectors = np.arange(graph.num_entities * 3, dtype=np.float16).reshape(-1, 3)
    return EntityTable(vectors, graph.fingerprint, {"kind": "test"})


def test_round_trip_is_memory_mapped(graph, tmp_path):
    table = table_for(graph)
    table.save(tmp_path / "table")
    opened = EntityTable.open(tmp_path / "table", graph)
    assert isinstance(opened.vectors, np.memmap)
    assert np.array_equal(opened.vectors, table.vectors)
    assert (opened.dim, opened.source) == (3, {"kind": "test"})


def test_rows_are_single_precision(graph):
    rows = table_for(graph).rows(np.array([1, 0, 1]))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[3, 4, 5], [0, 1, 2], [3, 4, 5]]


def test_another_graph_is_refused(graph, graph_of, tmp_path):
    table_for(graph).save(tmp_path / "table")
    other = graph_of(Triple("spoon", "UsedFor", "dig"))
    with pytest.raises(FingerprintMismatchError) as raised:
        EntityTable.open(tmp_path / "table", other)
    assert graph.fingerprint[:12] in str(raised.value)
    assert other.fingerprint[:12] in str(raised.value)


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_text("{}"), lambda p: p.write_text("x")])
def test_a_damaged_table_is_refused(graph, tmp_path, damage):
    table_for(graph).save(tmp_path / "table")
    damage(tmp_path / "table" / MANIFEST)
    with pytest.raises(DataError, match="no entity table that can be read"):
        EntityTable.open(tmp_path / "table", graph)
