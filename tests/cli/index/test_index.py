"""``kglm index build`` and ``search``, and ``kglm evaluate evaluation=retrieval``."""

import json
import shutil
import sys

import faiss
import pytest
from safetensors.torch import load_file, save_file

from kglm.kg import Triple

FACTS = ["a spade digs a hole", "a knife cuts bread", "flowers grow in the garden"]


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.fixture(scope="module")
def tools(graph_of):
    triples = [
        Triple("trowel", "UsedFor", "dig"),
        Triple("shovel", "UsedFor", "dig"),
        Triple("knife", "UsedFor", "cut"),
    ]
    return graph_of(*triples, name="tools").folder


@pytest.fixture
def facts(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_text(
        "\n".join(json.dumps({"fact": {"text": t}, "n": i}) for i, t in enumerate(FACTS)), encoding="utf-8"
    )
    return path


def succeed(outcome):
    assert outcome.code == 0, outcome.err
    return outcome.out


def test_entities_and_triples_of_a_graph(kglm, tools, tiny_encoder):
    built = json.loads(succeed(kglm("index", "build", "e", "--graph", tools, "--encoder", tiny_encoder, "--json")))
    assert (built["what"], built["source"], built["texts"]) == ("entities", "tools", 5)
    assert built["vectors"]["preset"] == "exact"
    assert built["encoder"]["dim"] == 32
    assert "exact search" in succeed(
        kglm("index", "build", "t", "-g", tools, "--what", "triples", "-e", tiny_encoder)
    )
    found = json.loads(
        succeed(kglm("index", "search", "e", "shovel", "knife", "-k", "2", "--json", "--graph", tools))
    )
    assert [answer["query"] for answer in found] == ["shovel", "knife"]
    assert [answer["hits"][0]["text"] for answer in found] == ["shovel", "knife"]
    shown = succeed(kglm("index", "search", "t", "digging trowel", "-k", "1"))
    assert "trowel is used for dig" in shown
    assert "trowel UsedFor dig" in shown
    dense = json.loads(succeed(kglm("index", "search", "t", "trowel is used for dig", "-m", "dense", "--json")))
    assert dense[0]["hits"][0]["score"] == pytest.approx(1, abs=1e-5)


def test_texts_of_a_file_without_vectors_need_no_encoder(kglm, facts, monkeypatch):
    command = ("index", "build", "i", "--texts", facts, "--column", "fact.text", "--key", "n", "--encoder", "none")
    built = json.loads(succeed(kglm(*command, "--json")))
    assert built["vectors"] is None
    assert built["encoder"] is None
    monkeypatch.setitem(sys.modules, "faiss", None)
    found = json.loads(succeed(kglm("index", "search", "i", "digging holes", "--json")))
    assert found[0]["hits"][0]["text"] == FACTS[0]
    assert [(hit["id"], hit["key"]) for hit in found[0]["hits"]] == [(0, "0")]
    assert "nothing found" in succeed(kglm("index", "search", "i", "zebra"))


def test_factory_shards_and_language(kglm, tmp_path, tiny_encoder):
    (tmp_path / "many.txt").write_text("\n".join(f"word{i} text" for i in range(90)), encoding="utf-8")
    options = ("--factory", "IVF2,SQ8", "--shard-size", "40", "--language", "none", "--max-length", "8")
    built = succeed(kglm("index", "build", "i", "-t", "many.txt", "-e", tiny_encoder, *options, "--json"))
    assert json.loads(built)["vectors"]["factory"] == "IVF2,SQ8"
    assert "word7 text" in succeed(kglm("index", "search", "i", "word7", "-k", "1", "--mode", "bm25"))


BUILD = [
    ("i", 2, "give either --graph or --texts"),
    ("i --graph everyday --texts {facts}", 2, "give either --graph or --texts"),
    ("i --graph {tools} --column x", 2, "apply to --texts only"),
    ("i --graph evryday --encoder none", 1, "there is no graph 'evryday'; did you mean 'everyday'?"),
    ("i --texts nowhere.jsonl --column a --encoder none", 1, "file of texts 'nowhere.jsonl' does not exist"),
    ("i --texts {facts} --encoder none", 1, "needs the name of the column"),
    ("i --texts {facts} --column fcat --encoder none", 1, "facts.jsonl:1: no column 'fcat'; did you mean 'fact'?"),
    ("i --texts {facts} --column fact.text --encoder {tools}", 1, "cannot be loaded"),
    ("i --texts {facts} --column fact.text --encoder none --no-bm25", 1, "needs an encoder, or bm25"),
    ("i --texts {facts} --column fact.text --encoder none --preset hnsw", 2, "need an encoder"),
    ("i --texts {facts} --column fact.text --encoder {encoder} --memory much", 1, "memory is 'much'; allowed"),
    ("i --texts {facts} --column fact.text --encoder {encoder} --factory FLAT1", 1, "cannot make an index 'FLAT1'"),
    ("i --texts {facts} --column fact.text --encoder {encoder} --preset ivf_pq", 1, "needs at least 1,000 vectors"),
    ("{tools} --texts {facts} --column fact.text --encoder none", 1, "holds something other than an index"),
    ("{facts} --texts {facts} --column fact.text --encoder none", 1, "is a file; expected the name of a folder"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), BUILD)
def test_build_refuses(kglm, tmp_path, tools, facts, tiny_encoder, arguments, code, message):
    places = {"tools": tools, "facts": facts, "encoder": tiny_encoder}
    outcome = kglm("index", "build", *arguments.format(**places).split())
    assert (outcome.code, outcome.out) == (code, "")
    assert message in " ".join(outcome.err.replace("│", " ").split())
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nowhere dig", "'nowhere' holds no index (manifest.json is missing)"),
        ("{tools} dig", "is not a kglm-text-index"),
        ("i +", "a query is blank"),
        ("i dig --mode dense", "was built without vectors"),
        ("i dig --graph everyday", "was made on the graph with fingerprint"),
        ("i dig --reranker {tools}", "cannot be loaded ("),
    ],
)
def test_search_refuses(kglm, tools, arguments, message):
    succeed(kglm("index", "build", "i", "--graph", tools, "--encoder", "none"))
    words = [" " if word == "+" else word for word in arguments.format(tools=tools).split()]
    outcome = kglm("index", "search", *words)
    assert (outcome.code, outcome.out) == (1, "")
    assert message in outcome.err


def test_an_encoder_that_has_changed_is_refused(kglm, tools, tiny_encoder, tmp_path):
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    succeed(kglm("index", "build", "i", "--graph", tools, "--encoder", encoder))
    weights = load_file(encoder / "model.safetensors")
    name = next(iter(weights))
    save_file({**weights, name: weights[name] + 1}, encoder / "model.safetensors", metadata={"format": "pt"})
    outcome = kglm("index", "search", "i", "dig")
    assert outcome.code == 1
    assert "Search with the encoder that made it, or build the index again" in outcome.err


@pytest.fixture
def judged(kglm, tmp_path, facts):
    succeed(kglm("index", "build", "i", "-t", facts, "-c", "fact.text", "--key", "n", "--encoder", "none"))
    rows = [("digging with a spade", [FACTS[0]]), ("garden", 2), ("bread and flowers", ["1", 2]), ("zebra", 0)]
    path = tmp_path / "queries.jsonl"
    path.write_text("\n".join(json.dumps({"query": q, "relevant": r}) for q, r in rows), encoding="utf-8")
    return path


def test_evaluation(kglm, judged, tmp_path):
    command = ("evaluate", "evaluation=retrieval", "index=i", f"queries={judged}", "ks=[1,2]", "rankings=found.jsonl")
    shown = succeed(kglm(*command))
    assert "4 queries on 3 texts" in shown
    lines = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    assert lines["1"] == ["0.625", "0.750"]  # (1 + 1 + 1/2 + 0) / 4; the best ranking has one at rank 1
    assert lines["2"] == ["0.750", "0.750"]
    assert lines["MRR@2"] == ["0.750"]
    found = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["relevant"] for row in found] == [[0], [2], [1, 2], [0]]
    assert found[1]["hits"][0]["text"] == FACTS[2]
    assert found[3]["hits"] == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("index=nowhere",), "'nowhere' holds no index"),
        (("queries=nowhere",), "file of queries 'nowhere' does not exist"),
        (("retriever=dense",), "was built without vectors"),
        (("retriever=sparse",), "unknown retriever 'sparse'"),
        (("retriever.pool=many",), "retriever.pool is 'many'; allowed: a whole number"),
        (("ks=[]",), "ks is []"),
        (("ks=[0]",), "ks is 0"),
        (("query_field=q",), "no field 'q'"),
        (("rankings=.",), "is a folder"),
    ],
)
def test_evaluation_refuses(kglm, judged, overrides, message):
    outcome = kglm("evaluate", "evaluation=retrieval", "index=i", f"queries={judged}", *overrides)
    assert outcome.code == 1
    assert message in outcome.err


def test_help_loads_no_library(kglm):
    from test_architecture import loaded_after

    loaded = loaded_after("from kglm.cli.index.app import app")
    assert loaded & {"torch", "faiss", "numpy", "bm25s", "transformers"} == set()
    for command in ("build", "search"):
        assert f"kglm index {command}" in succeed(kglm("index", command, "--help"))
