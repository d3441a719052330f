import json
import pickle

import numpy as np
import pytest

from kglm.errors import FingerprintMismatchError, GraphError, UnknownNameError
from kglm.kg import KnowledgeGraph, Triple, build_graph
from kglm.kg import graph as graph_module
from kglm.kg.manifest import MANIFEST

TRIPLES = (
    Triple("bread", "MadeOf", "flour", 2.0),
    Triple("bread", "RelatedTo", "flour", 1.0),
    Triple("flour", "UsedFor", "bread", 1.0),
    Triple("oven", "UsedFor", "bread", 3.0),
    Triple("oven", "RelatedTo", "oven", 1.0),
)


@pytest.fixture
def folder(tmp_path):
    return build_graph(TRIPLES, tmp_path / "graph", name="kitchen").folder


@pytest.fixture
def kitchen(folder):
    return KnowledgeGraph.open(folder)


def test_sizes_and_names(kitchen):
    assert list(kitchen.entities) == ["bread", "flour", "oven"]
    assert kitchen.relations == ("MadeOf", "RelatedTo", "UsedFor")
    assert (kitchen.num_entities, kitchen.num_relations, kitchen.num_triples) == (3, 3, 5)
    assert sorted(kitchen.triples()) == sorted(TRIPLES)
    assert repr(kitchen).startswith("KnowledgeGraph('kitchen', 3 entities, 3 relations, 5 triples, fingerprint ")


def test_edges_in_both_directions(kitchen):
    out, into = kitchen.out_edges(0), kitchen.in_edges(0)
    assert (out.neighbors.tolist(), out.relations.tolist(), out.weights.tolist()) == ([1, 1], [0, 1], [2.0, 1.0])
    assert (into.neighbors.tolist(), into.relations.tolist(), into.weights.tolist()) == ([1, 2], [2, 2], [1.0, 3.0])


def test_relations_between_two_entities_run_in_both_directions(kitchen):
    bread, flour, oven = range(3)
    assert kitchen.relations_between(bread, flour) == [0, 1, 2 + 3]
    assert kitchen.relations_between(flour, bread) == [2, 0 + 3, 1 + 3]
    assert kitchen.relations_between(flour, oven) == []
    assert kitchen.relations_between(oven, oven) == [1, 1 + 3]


def test_names_are_found(kitchen):
    assert [kitchen.entity_id(name) for name in ("bread", "flour", "oven")] == [0, 1, 2]
    assert [kitchen.relation_id(name) for name in kitchen.relations] == [0, 1, 2]


def test_unknown_names_propose_near_ones(kitchen):
    with pytest.raises(UnknownNameError, match=r"unknown entity 'Flours'; did you mean 'flour'\? \(3 known: "):
        kitchen.entity_id("Flours")
    with pytest.raises(UnknownNameError, match=r"unknown relation 'usedfor'; did you mean 'UsedFor'\? \(3 known: "):
        kitchen.relation_id("usedfor")


def test_a_large_graph_is_not_searched_for_near_names_but_counted(kitchen, monkeypatch):
    monkeypatch.setattr(graph_module, "MAX_NAMES_FOR_SUGGESTION", 2)
    with pytest.raises(UnknownNameError, match=r"^unknown entity 'flours' \(3 known\)$"):
        kitchen.entity_id("flours")


def test_an_open_graph_cannot_be_written_to(kitchen):
    for array in (
        kitchen.outgoing.neighbors,
        kitchen.links.neighbors,
        kitchen.surface_entities,
        kitchen.weight_values,
    ):
        assert not array.flags.owndata
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_pickled_graph_is_a_path_not_a_copy(graph_of):
    large = graph_of(*(Triple(f"e{i}", "RelatedTo", f"e{i + 1}") for i in range(2000)))
    pickled = pickle.dumps(large)
    assert len(pickled) < 2000
    assert pickle.loads(pickled).fingerprint == large.fingerprint


def test_a_graph_of_loops_alone_has_no_links(graph_of):
    graph = graph_of(Triple("a", "r", "a"))
    assert graph.links.row(0).tolist() == []
    assert list(graph.triples()) == [Triple("a", "r", "a")]


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_manifest_is_refused(tmp_path, made):
    if made:
        (tmp_path / "x").mkdir()
    with pytest.raises(GraphError, match=r"x' holds no compiled graph \(manifest.json is missing\)"):
        KnowledgeGraph.open(tmp_path / "x")


@pytest.mark.parametrize("content", [b"{not json", b"", b"\xff\xfe"])
def test_a_manifest_that_is_not_json_is_refused(folder, content):
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(GraphError, match=r"the manifest '.*manifest.json' cannot be read .*; build the graph again"):
        KnowledgeGraph.open(folder)


@pytest.mark.parametrize("manifest", [[], {}, {"format": "other", "version": 1}])
def test_another_manifest_is_refused(folder, manifest):
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(GraphError, match="is not a compiled graph: its manifest names no format 'kglm-graph'"):
        KnowledgeGraph.open(folder)


def test_another_version_is_refused(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "version": 99}))
    with pytest.raises(
        GraphError, match=r"has version 99, this kglm reads version \d+; install a newer kglm to read it"
    ):
        KnowledgeGraph.open(folder)
    (folder / MANIFEST).write_text(json.dumps({**manifest, "version": 1}))
    with pytest.raises(GraphError, match=r"has version 1, this kglm reads version \d+; build it again"):
        KnowledgeGraph.open(folder)


@pytest.mark.parametrize("field", ["name", "fingerprint", "relations", "arrays", "strings", "provenance", "checksum"])
def test_a_manifest_without_a_field_is_refused(folder, field):
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest[field]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(
        GraphError, match=r"the manifest '.*' is damaged \(its checksum differs\); build the graph again"
    ):
        KnowledgeGraph.open(folder)


def test_a_changed_manifest_is_refused(folder):
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["relations"][0] = "MadeFrom"
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(GraphError, match=r"is damaged \(its checksum differs\)"):
        KnowledgeGraph.open(folder)


def test_a_missing_array_is_refused(folder):
    (folder / "links.indptr.npy").unlink()
    with pytest.raises(GraphError, match=r"is damaged: 'links.indptr.npy' is missing; build it again"):
        KnowledgeGraph.open(folder)


ARRAYS = ["entities.data", "entities.blocks", "surface_entities", "outgoing.weight_codes", "links.neighbors"]


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
@pytest.mark.parametrize("array", ARRAYS)
def test_a_truncated_array_is_refused(folder, array, kept):
    path = folder / f"{array}.npy"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(GraphError, match=r"the compiled graph '.*' is damaged: .*; build it again"):
        KnowledgeGraph.open(folder)


def test_triples_as_arrays_are_those_by_name(kitchen):
    heads, relations, tails, weights = kitchen.triple_arrays()
    assert {array.dtype for array in (heads, relations, tails)} == {np.dtype(np.int32)}
    named = [
        Triple(kitchen.entities[h], kitchen.relations[r], kitchen.entities[t], float(w))
        for h, r, t, w in zip(heads, relations, tails, weights, strict=True)
    ]
    assert named == list(kitchen.triples())


def test_triples_come_in_chunks(kitchen, monkeypatch):
    whole = list(kitchen.triples())
    monkeypatch.setattr(graph_module, "CHUNK", 2)
    assert list(kitchen.triples()) == whole


def test_sources_are_kept_where_there_are_any(graph_of):
    assert graph_of(*TRIPLES).triple_sources is None
    graph = graph_of(*TRIPLES[1:], TRIPLES[0]._replace(source="cook book"))
    assert graph.sources == ("cook book", "")
    assert [triple.source for triple in graph.triples()] == ["cook book", "", "", "", ""]


def test_a_graph_mapped_before_it_is_replaced_by_one_of_other_sizes_stays_whole(tmp_path):
    old = build_graph(TRIPLES, tmp_path / "graph", name="old")
    build_graph(TRIPLES[:1], tmp_path / "graph", name="new")
    assert sorted(old.triples()) == sorted(TRIPLES)
    assert list(old.labels) == ["bread", "flour", "oven"]


def test_a_graph_shows_itself_in_notebooks(kitchen):
    assert kitchen._repr_html_().startswith("<div><strong>kitchen</strong>")


def test_a_pickled_graph_is_refused_where_another_has_taken_its_place(folder):
    pickled = pickle.dumps(KnowledgeGraph.open(folder))
    build_graph(TRIPLES[:2], folder, name="other")
    with pytest.raises(FingerprintMismatchError, match="what was sent was made on the graph with fingerprint"):
        pickle.loads(pickled)


def test_a_graph_that_is_replaced_while_it_is_opened_is_opened_again(folder, monkeypatch):
    opening, replaced = KnowledgeGraph._open.__func__, []

    def replace_first(cls, folder):
        graph = opening(cls, folder)
        if not replaced:
            replaced.append("now")
            replaced.append(build_graph(TRIPLES[:2], folder, name="new"))
        return graph

    monkeypatch.setattr(KnowledgeGraph, "_open", classmethod(replace_first))
    assert KnowledgeGraph.open(folder).fingerprint == replaced[1].fingerprint


def test_a_graph_that_is_always_being_replaced_is_told(folder, monkeypatch):
    moments = iter(range(99))
    monkeypatch.setattr(graph_module, "manifest_identity", lambda folder: next(moments))
    with pytest.raises(GraphError, match="is being replaced again and again"):
        KnowledgeGraph.open(folder)


def test_a_graph_that_may_not_be_read_is_not_called_damaged(folder, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError("not yours")

    monkeypatch.setattr(graph_module, "ArrayStore", refuse)
    with pytest.raises(GraphError, match=r"cannot be read \(not yours\)$"):
        KnowledgeGraph.open(folder)
