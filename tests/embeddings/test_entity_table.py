import numpy as np
import pytest

from kglm.embeddings.entity_table import MANIFEST, VECTORS, EntityTable
from kglm.errors import ConfigError, DataError, FingerprintMismatchError
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


def test_blocks_stand_side_by_side(graph, tmp_path):
    n = graph.num_entities
    structural = EntityTable({"structural": np.ones((n, 2), np.float32)}, graph.fingerprint, {"kind": "s"})
    textual = table_for(graph)
    both = structural.beside(textual)
    both.save(tmp_path / "table")
    opened = EntityTable.open(tmp_path / "table", graph)
    assert (opened.dim, opened.dims) == (5, {"structural": 2, "textual": 3})
    assert opened.source == {"structural": {"kind": "s"}, "textual": {"kind": "test"}}
    assert isinstance(opened.structural, np.memmap)
    assert isinstance(opened.textual, np.memmap)
    assert (opened.structural.dtype, opened.textual.dtype) == (np.float32, np.float16)
    expected = np.concatenate([structural.vectors, textual.vectors.astype(np.float32)], axis=1)
    assert np.array_equal(opened.rows(np.array([1, 0])), expected[[1, 0]])
    assert np.array_equal(opened.vectors, expected)
    assert np.array_equal(opened.rows(np.array([1]), "textual"), textual.rows(np.array([1])))
    opened.save(tmp_path / "again")
    assert np.array_equal(EntityTable.open(tmp_path / "again", graph).vectors, expected)


def test_blocks_that_do_not_fit_are_refused(graph, graph_of):
    table = table_for(graph)
    with pytest.raises(ConfigError, match="both entity tables have a textual block"):
        table.beside(table)
    other = graph_of(Triple("fork", "UsedFor", "eat"))
    with pytest.raises(FingerprintMismatchError):
        table.beside(EntityTable({"structural": table.vectors}, other.fingerprint, {}))
    with pytest.raises(ConfigError, match="no structural block"):
        table.rows(np.array([0]), "structural")
    for blocks, message in [
        ({}, "has no block"),
        ({"text": table.vectors}, "has a block 'text'"),
        ({"textual": np.zeros((2, 2))}, "block textual is float64"),
        (
            {"textual": np.zeros((2, 2), np.float32), "structural": np.zeros((3, 2), np.float32)},
            r"have \[2, 3\] rows",
        ),
    ]:
        with pytest.raises(ConfigError, match=message):
            EntityTable(blocks, graph.fingerprint, {})


@pytest.mark.parametrize("cut", [4, 40, -2])
def test_vectors_that_are_cut_short_are_refused(graph, tmp_path, cut):
    table_for(graph).save(tmp_path / "table")
    path = tmp_path / "table" / VECTORS
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match="no entity table that can be read"):
        EntityTable.open(tmp_path / "table", graph)


def test_a_table_with_too_few_rows_is_refused(graph, tmp_path):
    EntityTable(table_for(graph).vectors[:1], graph.fingerprint, {}).save(tmp_path / "table")
    with pytest.raises(DataError, match="has 1 rows; expected 2"):
        EntityTable.open(tmp_path / "table", graph)
