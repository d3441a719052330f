import gzip
import json

import pytest

from kglm.data.entity_names import EntityNames, json_lines, read_aliases
from kglm.errors import DataError
from kglm.kg.records import Triple


def test_entities_are_found_by_the_names_of_the_data_set(graph_of, tmp_path):
    graph = graph_of(Triple("/m/1", "r", "/m/2"), Triple("Q3", "r", "/m/1"))
    rows = [{"mid": "/m/1", "qid": "Q1"}, {"mid": "/m/9", "qid": "Q9"}, {"mid": "/m/2", "qid": "Q1"}]
    with gzip.open(tmp_path / "names.jsonl.gz", "wt") as file:
        file.write("\n".join(map(json.dumps, rows)) + "\n\n")
    names = EntityNames(graph, read_aliases(tmp_path / "names.jsonl.gz", name="qid", entity="mid"))
    assert names.find("Q1") == graph.entity_id("/m/1")
    assert names.find("Q3") == graph.entity_id("Q3")
    assert names.find("Q9") is None
    assert names.find("Q7") is None
    assert EntityNames(graph).find("Q1") is None


def test_mistakes_are_named(tmp_path):
    path = tmp_path / "names.jsonl"
    path.write_text('{"qid": "Q1"}\n')
    with pytest.raises(DataError, match=r"names.jsonl:1: the field 'mid' is None"):
        read_aliases(path, name="qid", entity="mid")
    path.write_text("\n[]\n")
    with pytest.raises(DataError, match=r":2: found list"):
        list(json_lines(path, "names"))
    path.write_text("{\n")
    with pytest.raises(DataError, match=r":1: this is not JSON"):
        list(json_lines(path, "names"))
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(DataError, match="cannot be read"):
        list(json_lines(path, "names"))
    with pytest.raises(DataError, match="does not exist"):
        read_aliases(tmp_path / "none", name="qid", entity="mid")
