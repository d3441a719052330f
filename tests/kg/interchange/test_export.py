import gzip
import json
import os

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interchange_records import AWKWARD, content, few, records, said

from kglm.errors import ConfigError, DataError, UnknownNameError
from kglm.kg.interchange import export_graph, from_networkx, to_networkx
from kglm.kg.interchange.export import ENDINGS
from kglm.kg.interchange.xml_formats import xml_text
from kglm.kg.readers import read_records
from kglm.kg.records import Description, Label, Triple
from kglm.kg.tally import Tally

RECORDS = [
    Triple("trowel", "UsedFor", "dig", 2.5),
    Triple("trowel", "RelatedTo", "dig", 0.1, "a catalogue"),
    Triple("dig", "RelatedTo", "dig"),
    Label("trowel", "garden trowel", preferred=True, count=4),
    Label("trowel", "hand spade", count=2),
    Description("trowel", "a small tool"),
]
# What XML and a tab-separated table can hold.
TAME = st.sampled_from(
    ["a", "b c", "größe", "🥄", "'", '"', "<a>", "a&b;", "rdf:type", "http://a.example/x", "\u2028x"]
)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_is_the_same_every_time_and_leaves_nothing_else(graph_of, tmp_path, ending):
    graph = graph_of(*RECORDS)
    written = [export_graph(graph, tmp_path / name / f"a{ending}") for name in ("first", "second")]
    assert [path.name for path in written[0]] == [path.name for path in written[1]]
    for first, second in zip(*written, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert sorted((tmp_path / "first").iterdir()) == sorted(written[0])


@pytest.mark.parametrize("ending", sorted(set(ENDINGS) - {".parquet"}))
def test_compressed_files_hold_the_same_bytes(graph_of, tmp_path, ending):
    graph = graph_of(*RECORDS)
    export_graph(graph, tmp_path / f"a{ending}")
    export_graph(graph, tmp_path / f"a{ending}.gz")
    export_graph(graph, tmp_path / f"b{ending}.gz")
    assert gzip.decompress((tmp_path / f"a{ending}.gz").read_bytes()) == (tmp_path / f"a{ending}").read_bytes()
    assert (tmp_path / f"a{ending}.gz").read_bytes() == (tmp_path / f"b{ending}.gz").read_bytes()


def test_the_format_given_counts_more_than_the_ending(graph_of, tmp_path):
    export_graph(graph_of(*RECORDS), tmp_path / "a.txt", "tsv")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == (
        "head\trelation\ttail\tweight\tsource\n"
        "dig\tRelatedTo\tdig\t1.0\t\n"
        "trowel\tRelatedTo\tdig\t0.1\ta catalogue\n"
        "trowel\tUsedFor\tdig\t2.5\t\n"
    )


def test_only_the_chosen_entities_are_written(graph_of, tmp_path):
    graph = graph_of(*RECORDS)
    export_graph(graph, tmp_path / "a.json", entities=[graph.entity_id("dig")])
    document = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert [node["id"] for node in document["nodes"]] == ["dig"]
    assert [(edge["source"], edge["target"]) for edge in document["edges"]] == [("dig", "dig")]


@pytest.mark.parametrize(
    ("name", "format", "error", "message"),
    [
        ("a.xyz", None, DataError, r"tells no export format; expected one of .ttl, .nt"),
        ("a.ttl", "turtel", UnknownNameError, "unknown export format 'turtel'; did you mean 'turtle'"),
        ("a.parquet.gz", None, DataError, "compressed inside"),
        ("folder.ttl", None, DataError, "is a folder"),
    ],
)
def test_wrong_destinations_are_refused(graph_of, tmp_path, name, format, error, message):
    (tmp_path / "folder.ttl").mkdir()
    with pytest.raises(error, match=message):
        export_graph(graph_of(*RECORDS), tmp_path / name, format)


@pytest.mark.parametrize("options", [{"prefixes": {"a": "http://a.example/"}}, {"statements": False}])
def test_options_of_rdf_are_refused_elsewhere(graph_of, tmp_path, options):
    with pytest.raises(ConfigError, match="options of turtle and ntriples, not of 'gexf'"):
        export_graph(graph_of(*RECORDS), tmp_path / "a.gexf", **options)


def test_a_failed_export_leaves_the_old_file(graph_of, tmp_path):
    (tmp_path / "a.tsv").write_text("old")
    with pytest.raises(DataError, match="cannot hold the text"):
        export_graph(graph_of(Triple("a", "r", "b"), Triple("b", "r", "c\td")), tmp_path / "a.tsv")
    assert os.listdir(tmp_path) == ["a.tsv"]
    assert (tmp_path / "a.tsv").read_text() == "old"


@few
@given(records())
def test_node_link_json_is_what_networkx_writes_and_reads(graph_of, tmp_path_factory, items):
    graph = graph_of(*items)
    path = tmp_path_factory.getbasetemp() / "node_link.json"
    export_graph(graph, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    copy = to_networkx(graph, aliases=True)
    for _, _, attributes in copy.edges(data=True):
        attributes["weight"] = float(str(np.float32(attributes["weight"])))
        if "source" in attributes:
            attributes["asserted_by"] = attributes.pop("source")
    expected = nx.node_link_data(copy, edges="edges")
    expected["edges"].sort(key=lambda edge: (edge["source"], edge["target"], edge["key"]))
    document["edges"].sort(key=lambda edge: (edge["source"], edge["target"], edge["key"]))
    assert document == expected
    assert said(from_networkx(nx.node_link_graph(document, edges="edges"))) == content(graph)


@few
@given(items=records(names=TAME, texts=TAME), ending=st.sampled_from([".graphml", ".gexf"]))
def test_xml_round_trip_through_networkx(graph_of, tmp_path_factory, items, ending):
    graph = graph_of(*items)
    path = tmp_path_factory.getbasetemp() / f"round_trip{ending}"
    export_graph(graph, path)
    read = nx.read_graphml(path) if ending == ".graphml" else nx.read_gexf(path)
    # Aliases are left out.
    assert said(from_networkx(read)) | {"forms": ...} == content(graph) | {"forms": ...}


@few
@given(items=records(), ending=st.sampled_from([".graphml", ".gexf"]))
def test_xml_replaces_what_it_cannot_hold_or_refuses(graph_of, tmp_path_factory, items, ending):
    graph = graph_of(*items)
    path = tmp_path_factory.getbasetemp() / f"any{ending}"
    names = [xml_text(name) for name in graph.entities]
    relations = [xml_text(name) for name in graph.relations]
    if len(set(names)) < len(names) or len(set(relations)) < len(relations):
        with pytest.raises(DataError, match="XML cannot hold"):
            export_graph(graph, path)
        return
    export_graph(graph, path)
    read = nx.read_graphml(path) if ending == ".graphml" else nx.read_gexf(path)
    assert sorted(read.nodes) == sorted(names)
    assert sorted(xml_text(label) for label in graph.labels) == sorted(label for _, label in read.nodes(data="label"))
    assert read.number_of_edges() == graph.num_triples


@few
@given(records())
def test_tsv_round_trip_or_refusal(graph_of, tmp_path_factory, items):
    graph = graph_of(*items)
    path = tmp_path_factory.getbasetemp() / "round_trip.tsv"
    fields = {field for triple in graph.triples() for field in (*triple[:3], triple.source)}
    if any(field != field.strip() or {"\t", "\n", "\r"} & set(field) for field in fields) or any(
        triple.head.startswith(("#", "\ufeff")) for triple in graph.triples()
    ):
        with pytest.raises(DataError, match="cannot hold the text"):
            export_graph(graph, path)
        return
    export_graph(graph, path)
    assert said(read_records(path, Tally()))["triples"] == content(graph)["triples"]


@pytest.mark.parametrize("name", ["a\tb", "a\n", " a", "a ", "#a", "\ufeffa"])
def test_tsv_refuses_names_it_cannot_hold(graph_of, tmp_path, name):
    assert name in AWKWARD or name.strip("\n\ufeff#") == "a"
    with pytest.raises(DataError, match="cannot hold the text"):
        export_graph(graph_of(Triple(name, "r", "b")), tmp_path / "a.tsv")


@few
@given(records())
def test_parquet_holds_everything(graph_of, tmp_path_factory, items):
    graph = graph_of(*items)
    path = tmp_path_factory.getbasetemp() / "all.parquet"
    _, entities_path = export_graph(graph, path)
    triples = pq.read_table(path).to_pylist()
    rows = [Triple(row["head"], row["relation"], row["tail"], row["weight"], row["source"] or "") for row in triples]
    assert rows == list(graph.triples())
    assert all(graph.entities[row["head_id"]] == row["head"] for row in triples)
    assert all(graph.entities[row["tail_id"]] == row["tail"] for row in triples)
    assert all(graph.relations[row["relation_id"]] == row["relation"] for row in triples)
    entities = pq.read_table(entities_path).to_pylist()
    assert [row["entity_id"] for row in entities] == list(range(graph.num_entities))
    assert [row["description"] or "" for row in entities] == list(graph.descriptions)
    forms = {(text, row["name"]) for row in entities for text in [row["label"], *row["aliases"]]}
    assert forms == content(graph)["forms"]


def test_parquet_keeps_counts(graph_of, tmp_path):
    _, entities_path = export_graph(graph_of(*RECORDS), tmp_path / "a.parquet")
    assert entities_path.name == "a.entities.parquet"
    trowel = pq.read_table(entities_path).to_pylist()[1]
    assert (trowel["label_count"], trowel["aliases"], trowel["alias_counts"]) == (4, ["hand spade"], [2])
