import json
import os
import shutil

import pytest
import torch

from kglm.errors import DataError, FingerprintMismatchError, GraphError, KglmError
from kglm.inference import Answerer, Bundle
from kglm.inference.scoring import batches
from kglm.kg import KnowledgeGraph
from kglm.kg.records import Triple


def logits(bundle, examples):
    with torch.inference_mode():
        (batch,) = batches(bundle.pipeline.prepare(examples), len(examples))
        batch = {key: value for key, value in batch.items() if key != "ids"}
        return bundle.model(**batch).logits


@pytest.fixture
def saved(bundle, tmp_path):
    bundle.save(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.mark.parametrize("reasons", [True, False])
def test_a_round_trip_gives_identical_logits(make_bundle, examples, tmp_path, reasons):
    bundle = make_bundle(reasons=reasons)
    bundle.save(tmp_path / "bundle")
    loaded = Bundle.load(tmp_path / "bundle")
    assert not loaded.model.training
    assert loaded.pipeline.max_length == bundle.pipeline.max_length
    assert (loaded.pipeline.knowledge is None) == (not reasons)
    assert torch.equal(logits(loaded, examples), logits(bundle, examples))
    loaded.save(tmp_path / "again")
    for name in ("bundle.json", "config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "bundle" / name).read_bytes(), name


def test_options_of_linker_and_schema_graphs_come_back(bundle, saved):
    known, loaded = bundle.pipeline.knowledge, Bundle.load(saved).pipeline.knowledge
    assert loaded.linker.options == known.linker.options
    assert loaded.reasoning.schema == known.reasoning.schema
    assert loaded.facts == known.facts
    assert loaded.graph.fingerprint == known.graph.fingerprint


def test_it_stands_alone_and_can_be_moved(graph_of, make_bundle, graph, examples, tmp_path):
    own = graph_of(*graph.triples(), name="own")
    bundle = make_bundle(graph=own)
    expected = logits(bundle, examples)
    bundle.save(tmp_path / "bundle")
    del bundle
    shutil.rmtree(own.folder)
    moved = tmp_path / "elsewhere" / "model"
    moved.parent.mkdir()
    shutil.move(tmp_path / "bundle", moved)
    assert str(tmp_path / "bundle") not in "".join(path.read_text() for path in moved.glob("*.json"))
    assert torch.equal(logits(Bundle.load(moved), examples), expected)


def test_the_best_bundle_of_a_run_is_found(saved):
    run = saved.parent / "run"
    run.mkdir()
    saved.rename(run / "best")
    assert Answerer.from_pretrained(run).answer("What do I dig with?", ["trowel", "knife"]).choices


def test_the_graph_is_copied_where_it_cannot_be_linked(bundle, examples, tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", refuse)
    bundle.save(tmp_path / "bundle")
    assert torch.equal(logits(Bundle.load(tmp_path / "bundle"), examples), logits(bundle, examples))


def test_saving_replaces_an_older_bundle_as_a_whole(bundle, text_bundle, saved):
    text_bundle.save(saved)
    assert not (saved / "graph").exists()
    assert Bundle.load(saved).pipeline.knowledge is None


def test_a_save_that_fails_leaves_the_older_one(bundle, saved, monkeypatch):
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}

    def fail(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr(type(bundle.pipeline.tokenizer), "save_pretrained", fail)
    with pytest.raises(OSError, match="disk full"):
        bundle.save(saved)
    assert {path: path.read_bytes() for path in saved.parent.rglob("*") if path.is_file()} == before


def test_the_same_graph_from_elsewhere_is_accepted(bundle, graph, saved, examples):
    loaded = Bundle.load(saved, KnowledgeGraph.open(graph.folder))
    assert loaded.pipeline.knowledge.graph.folder == graph.folder
    assert torch.equal(logits(loaded, examples), logits(bundle, examples))


def test_another_graph_is_refused(graph_of, graph, saved):
    other = graph_of(*graph.triples(), Triple("a", "IsA", "b"))
    with pytest.raises(FingerprintMismatchError, match=f"{graph.fingerprint[:12]}.*{other.fingerprint[:12]}"):
        Bundle.load(saved, other)


def test_a_graph_exchanged_within_the_bundle_is_refused(graph_of, graph, saved):
    other = graph_of(*graph.triples(), Triple("a", "IsA", "b"))
    shutil.rmtree(saved / "graph")
    shutil.copytree(other.folder, saved / "graph")
    with pytest.raises(FingerprintMismatchError, match="was made on the graph"):
        Bundle.load(saved)


def test_weights_of_another_graph_are_refused(saved):
    config = json.loads((saved / "config.json").read_text())
    config["graph_fingerprint"] = "0" * 64
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(FingerprintMismatchError, match="000000000000"):
        Bundle.load(saved)


def damage_manifest(change):
    def apply(folder):
        manifest = json.loads((folder / "bundle.json").read_text())
        change(manifest)
        (folder / "bundle.json").write_text(json.dumps(manifest))

    return apply


def truncate(name):
    def apply(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return apply


DAMAGES = {
    "no manifest": (lambda folder: (folder / "bundle.json").unlink(), "holds no model bundle"),
    "half a manifest": (truncate("bundle.json"), "cannot be read"),
    "a list": (lambda folder: (folder / "bundle.json").write_text("[1]"), "cannot be read"),
    "other version": (damage_manifest(lambda m: m.update(version=99)), "has version 99, this kglm reads version 1"),
    "no version": (damage_manifest(lambda m: m.pop("version")), "cannot be read"),
    "no graph key": (damage_manifest(lambda m: m.pop("graph")), "lacks 'graph'"),
    "no length": (damage_manifest(lambda m: m.pop("max_length")), "lacks 'max_length'"),
    "no schema": (damage_manifest(lambda m: m.pop("schema")), "lacks 'schema'"),
    "unknown linker option": (damage_manifest(lambda m: m["linker"].update(speed=1)), "speed"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "cannot be loaded"),
    "half the weights": (truncate("model.safetensors"), "cannot be loaded"),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), "cannot be loaded"),
    "half a configuration": (truncate("config.json"), "cannot be loaded"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "cannot be loaded"),
    "half a tokenizer": (truncate("tokenizer.json"), "cannot be loaded"),
    "no graph": (lambda folder: shutil.rmtree(folder / "graph"), "holds no compiled graph"),
    "no entity table": (lambda folder: shutil.rmtree(folder / "entity_table"), "holds no entity table"),
    "half an entity table": (truncate("entity_table/vectors.safetensors"), "holds no entity table that can be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_bundle_is_refused(make_bundle, graph_of, graph, tmp_path, damage):
    apply, message = DAMAGES[damage]
    folder = tmp_path / "bundle"
    make_bundle().save(folder)
    # The graph's files are links to those of the other tests: replaced, never written to.
    apply(folder)
    with pytest.raises(KglmError, match=message) as caught:
        Bundle.load(folder)
    assert isinstance(caught.value, DataError | GraphError)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=r"model '.*/nowhere' does not exist; expected the folder of a finished"):
        Bundle.load(tmp_path / "nowhere")
