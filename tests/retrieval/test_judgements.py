import json

import pytest

from kglm.errors import DataError
from kglm.retrieval import Document, TextIndex
from kglm.retrieval.judgements import read_judgements


@pytest.fixture
def index(tmp_path):
    documents = [Document(5, "a", "One"), Document(7, "b", "two"), Document(9, "c", "one ")]
    return TextIndex.build(documents, tmp_path / "i", language="none")


def read(tmp_path, index, *rows, **fields):
    (tmp_path / "q.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return read_judgements(tmp_path / "q.jsonl", index, **fields)


def test_ids_texts_and_keys(tmp_path, index):
    found = read(
        tmp_path, index, *({"query": "q", "relevant": r} for r in ([7, 9], 7, "ONE", ["b", "one"], ["c", 5]))
    )
    assert found.relevant == [{7, 9}, {7}, {5, 9}, {5, 7, 9}, {5, 9}]
    inner = read(tmp_path, index, {"q": {"stem": "why"}, "gold": 5}, query_field="q.stem", relevant_field="gold")
    assert (inner.queries, inner.relevant) == (["why"], [{5}])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"query": "q"}, ":1: no field 'relevant'; found query"),
        ({"query": " ", "relevant": 5}, "query is ' '"),
        ({"query": "q", "relevant": []}, "relevant is empty"),
        ({"query": "q", "relevant": 6}, "relevant has 6, which the index '.*' lacks"),
        ({"query": "q", "relevant": "three"}, "relevant has 'three'"),
        ({"query": "q", "relevant": [True]}, "relevant has True"),
        ({"query": "q", "relevant": {"a": 1}}, "relevant has {'a': 1}"),
    ],
)
def test_what_cannot_be_judged(tmp_path, index, row, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, index, row)


def test_no_queries(tmp_path, index):
    with pytest.raises(DataError, match="holds no queries"):
        read(tmp_path, index)
