from __future__ import annotations

import numpy as np
import pytest

from kglm.embeddings.entity_table import EntityTable
from kglm.embeddings.thu_entities import thu_entity_table, write_thu_entities
from kglm.errors import DataError
from kglm.kg.records import Label, Triple


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "kg_embed"
    folder.mkdir()
    (folder / "entity2id.txt").write_text("3\nQ7\t2\nQ5\t0\nQ6\t1\n")
    (folder / "entity2vec.vec").write_text("1.5\t2\t\n-1\t0.25\n3\t4\n")
    (folder / "entity_map.txt").write_text("Douglas Adams\tQ5\n")
    return folder


def test_rows_and_names(source, tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert write_thu_entities(source, out) == 3
    vectors = np.load(out / "vectors.npy", mmap_mode="r")
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[1.5, 2], [-1, 0.25], [3, 4]]
    assert (out / "entities.txt").read_text().split() == ["Q5", "Q6", "Q7"]
    assert (out / "titles.tsv").read_text() == "Douglas Adams\tQ5\n"
    (source / "entity_map.txt").unlink()
    (out / "titles.tsv").unlink()
    write_thu_entities(source, out)
    assert not (out / "titles.tsv").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("entity2id.txt", "many\nQ5\t0\n", "entity2id.txt:1: found 'many'"),
        ("entity2id.txt", "", "entity2id.txt:1: found ''"),
        ("entity2id.txt", "3\nQ5 0\n", "entity2id.txt:2: found 'Q5 0'"),
        (
            "entity2id.txt",
            "3\nQ5\t3\n",
            "entity2id.txt:2: found 'Q5\t3'; expected an id and a row of its own below 3",
        ),
        ("entity2id.txt", "3\nQ5\t0\nQ6\t0\n", "entity2id.txt:3:"),
        ("entity2id.txt", "3\nQ5\t0\n", "2 of their rows have no id"),
        ("entity2vec.vec", "1\t2\nx\t4\n", "entity2vec.vec:2: not a vector"),
        ("entity2vec.vec", "1\t2\n3\n", "entity2vec.vec:2: 1 numbers; expected 3 lines of 2 numbers"),
        ("entity2vec.vec", "1\n2\n3\n4\n", "entity2vec.vec:4:"),
        ("entity2vec.vec", "1\t2\n", "has 1 vectors; expected 3"),
        ("entity2vec.vec", "", "has 0 vectors; expected 3"),
    ],
)
def test_malformed_files_are_refused(source, tmp_path, name, content, message) -> None:
    (source / name).write_text(content)
    with pytest.raises(DataError) as caught:
        write_thu_entities(source, tmp_path)
    assert message in str(caught.value)


def test_a_graph_takes_the_vectors_by_wikidata_id_and_by_title(source, tmp_path, graph_of) -> None:
    write_thu_entities(source, tmp_path)
    graph = graph_of(Triple("Q7", "knows", "/m/1"), Triple("Q9", "knows", "Q7"), Label("/m/1", "Douglas Adams"))
    table, report = thu_entity_table(tmp_path, graph)
    expected = {"Q7": [3, 4], "/m/1": [1.5, 2], "Q9": [0, 0]}
    assert {name: table.structural[graph.entity_id(name)].tolist() for name in expected} == expected
    assert report.by == {"name": 1, "label": 0, "alias": 1}
    table.save(tmp_path / "table")
    assert EntityTable.open(tmp_path / "table", graph).source["kind"] == "THU-ERNIE"


def test_a_graph_of_other_names_takes_none(source, tmp_path, graph_of) -> None:
    write_thu_entities(source, tmp_path)
    graph = graph_of(Triple("a", "knows", "b"))
    with pytest.raises(DataError, match="expected a graph of Wikidata ids"):
        thu_entity_table(tmp_path, graph)
    (tmp_path / "entities.txt").write_text("Q5\n")
    with pytest.raises(DataError, match="has 1 ids, but there are 3 vectors"):
        thu_entity_table(tmp_path, graph)
