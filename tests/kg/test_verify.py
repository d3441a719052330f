import json

import numpy as np
import pytest

from kglm.errors import GraphError
from kglm.kg import KnowledgeGraph, Label, Triple, build_graph, verify
from kglm.kg.manifest import MANIFEST, fingerprint, write_manifest
from kglm.kg.store import StoreWriter, specs_to_json
from kglm.kg.verify import verify_graph

TRIPLES = (Triple("a", "r", "b", 2.0, "me"), Triple("b", "s", "c"), Label("b", "bee"))


@pytest.fixture
def folder(tmp_path):
    return build_graph(TRIPLES, tmp_path / "graph", name="small").folder


def test_a_sound_graph_has_no_problems(folder):
    assert verify_graph(folder) == []


def test_every_flipped_bit_is_found(folder):
    for path in sorted(folder.glob("*.npy")):
        content = path.read_bytes()
        for position in {0, 20, 127, *range(128, len(content), 5), len(content) - 1}:
            changed = bytearray(content)
            changed[position] ^= 1 << position % 8
            path.write_bytes(bytes(changed))
            assert verify_graph(folder) == [f"the content of '{path.name}' is not what was written (SHA-256 differs)"]
        path.write_bytes(content)
    assert verify_graph(folder) == []


def test_all_problems_are_told(folder):
    (folder / "links.indptr.npy").unlink()
    (folder / "weight_values.npy").write_bytes(b"")
    assert verify_graph(folder) == ["'links.indptr.npy' is missing", "'weight_values.npy' has 0 bytes, expected 136"]


def test_a_folder_without_a_graph_is_refused(tmp_path):
    with pytest.raises(GraphError, match="holds no compiled graph"):
        verify_graph(tmp_path)


WRONG = {
    "outgoing.neighbors": ([9, 2], "a neighbour in 'outgoing' is outside the graph"),
    "incoming.relations": ([0, 7], "a relation in 'incoming' is outside the 2 relations"),
    "incoming.neighbors": ([0, 2], "the edges of 'outgoing' are not those of the other direction"),
    "links.weight_codes": ([1, 1, 0, 5], "a weight in 'links' is outside the table of weights"),
    "links.indptr": ([0, 1, 3, 3], "the pointers of 'links' do not cover its 4 edges"),
    "weight_values": ([1.0, 1.0], "the weights do not ascend"),
    "surface_indptr": ([0, 2, 1, 3, 4], "the pointers of the surface forms do not cover their 4 entities"),
    "surface_entities": ([0, 1, 3, 2], "an entity of a surface form is outside the graph"),
    "surface_counts": ([0, 0, 0], "3 counts for 4 entities of surface forms"),
    "outgoing.sources": ([0, 3], "a source is outside the 2 sources"),
}


@pytest.mark.parametrize("name", WRONG)
def test_arrays_that_contradict_each_other_are_told(folder, name):
    """As a defective program would write them: with digests that fit."""
    values, problem = WRONG[name]
    rewrite(folder, name, values)
    assert problem in verify_graph(folder)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_rows_are_held_to_their_order_across_chunks(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(verify, "CHUNK", chunk)
    triples = [Triple("a", r, t) for t in "bcd" for r in "rs"]
    folder = build_graph(triples, tmp_path / "graph", name="rows").folder
    assert verify_graph(folder) == []
    rewrite(folder, "outgoing.relations", [0, 1, 1, 0, 0, 1])
    assert verify_graph(folder) == ["the rows of 'outgoing' are not sorted"]
    rewrite(folder, "outgoing.relations", [0, 1, 0, 1, 0, 1])
    rewrite(folder, "outgoing.neighbors", [1, 1, 3, 3, 2, 2])
    rewrite(folder, "links.neighbors", [1, 3, 2, 0, 0, 0])
    assert verify_graph(folder) == ["the rows of 'outgoing' are not sorted", "the rows of 'links' are not sorted"]


def rewrite(folder, name, values):
    """Replace an array, and say so in the manifest."""
    dtype = np.load(folder / f"{name}.npy").dtype
    (folder / f"{name}.npy").unlink()
    store = StoreWriter(folder)
    store.write(name, np.array(values, dtype=dtype))
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["checksum"]
    manifest["arrays"] |= specs_to_json(store.specs)
    manifest["fingerprint"] = fingerprint(manifest)
    write_manifest(folder, manifest)


@pytest.mark.parametrize("missing", ["sources", "arrays", "fingerprint", "sha256"])
def test_a_manifest_that_lacks_something_is_refused(folder, missing):
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["checksum"]
    (manifest["arrays"]["links.indptr"] if missing == "sha256" else manifest).pop(missing)
    if missing == "sha256":
        manifest["fingerprint"] = fingerprint(manifest)
    write_manifest(folder, manifest)
    for reading in (verify_graph, KnowledgeGraph.open):
        with pytest.raises(GraphError, match="build the graph again"):
            reading(folder)
