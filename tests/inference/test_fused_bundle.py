"""Bundles whose encoder takes in entity vectors, alone and beside the other routes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import torch

from kglm.data.facts import FactOptions
from kglm.data.pipeline import FusedEntities
from kglm.embeddings import EntityTable
from kglm.errors import DataError, FingerprintMismatchError
from kglm.inference import Answerer, Bundle
from kglm.inference.answerer import NOTHING_LINKED
from kglm.kg.records import Triple

QUESTION = "I dug in the garden to plant flowers. What did I dig with?"
CHOICES = ["trowel", "excavator", "knife", "the spade, of course", "pillow"]
ROUTES = {
    "alone": {"reasons": False},
    "with kagnet": {"reasons": True},
    "with greaselm": {"reasons": True, "reasoner": "greaselm"},
    "with facts": {"reasons": False, "facts": FactOptions()},
}


def answers(bundle, examples, **options):
    return list(Answerer(bundle, device="cpu").answer_all(examples, **options))


def logits(found):
    return [[choice.logit for choice in answer.choices] for answer in found]


def close(found, expected):
    for mine, theirs in zip(logits(found), logits(expected), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4)


@pytest.fixture(params=ROUTES)
def routes(request):
    return ROUTES[request.param]


@pytest.fixture(scope="module")
def fused(make_bundle):
    return make_bundle(reasons=False, fuses=True)


def test_batched_is_single_and_order_is_of_no_account(make_bundle, routes, examples):
    bundle = make_bundle(fuses=True, **routes)
    together = answers(bundle, examples)
    close(answers(bundle, examples, batch_size=1), together)
    close(answers(bundle, examples[::-1])[::-1], together)


def test_the_order_of_the_choices_is_of_no_account(fused):
    answerer = Answerer(fused, device="cpu")
    forth, back = answerer.answer(QUESTION, CHOICES), answerer.answer(QUESTION, CHOICES[::-1])
    mine, theirs = ({choice.text: choice.logit for choice in answer.choices} for answer in (forth, back))
    assert mine == pytest.approx(theirs, abs=1e-4)


def test_a_bundle_is_loaded_as_it_was_saved(make_bundle, routes, examples, tmp_path):
    bundle = make_bundle(fuses=True, dim=12, shuffle_seed=3, **routes)
    bundle.save(tmp_path / "bundle")
    loaded = Bundle.load(tmp_path / "bundle")
    assert loaded.pipeline.knowledge.fused.shuffle_seed == 3
    assert loaded.pipeline.knowledge.fused.table.digest == bundle.pipeline.knowledge.fused.table.digest
    assert loaded.model.config.encoder_config.fusion_dim == 12
    close(answers(loaded, examples), answers(bundle, examples))
    loaded.save(tmp_path / "again")
    for name in ("bundle.json", "config.json", "model.safetensors", "fused_entities/vectors.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "bundle" / name).read_bytes(), name


def test_the_vectors_count_and_so_does_whose_they_are(fused, examples):
    def scores(entities):
        pipeline = replace(fused.pipeline, knowledge=replace(fused.pipeline.knowledge, fused=entities))
        return logits(answers(replace(fused, pipeline=pipeline), examples))

    table = fused.pipeline.knowledge.fused.table
    nothing = EntityTable(0 * table.vectors, table.fingerprint, table.source)
    given, shuffled, empty = (
        torch.tensor([value for row in scores(entities) for value in row])
        for entities in (FusedEntities(table), FusedEntities(table, 0), FusedEntities(nothing))
    )
    for one, other in ((given, shuffled), (given, empty), (shuffled, empty)):
        assert (one - other).abs().max() > 1e-3


def test_an_answer_tells_which_entities_were_read(fused):
    answer = Answerer(fused, device="cpu").answer(QUESTION, CHOICES)
    assert answer.fused
    linked = {(mention.source, mention.entity) for mention in answer.mentions}
    assert {("question", "dig"), ("question", "garden"), ("A", "trowel"), ("D", "spade")} <= linked
    assert answer.notes == ()
    shown = answer.format()
    assert f"Entities read with '{answer.best.text}':" in shown
    assert "dug → dig, garden → garden, plant flowers → plant_flowers" in shown
    assert ("excavator → excavator" in shown) == (answer.best.text == "excavator")
    assert json.loads(json.dumps(answer.to_dict()))["fused"] is True


def test_what_is_not_linked_is_told(fused, make_bundle):
    answerer = Answerer(fused, device="cpu")
    assert answerer.answer("How are you?", ["fine", "well"]).notes == (NOTHING_LINKED,)
    assert answerer.answer("How are you?", ["trowel", "well"]).notes == ()
    plain = Answerer(make_bundle(reasons=False), device="cpu").answer(QUESTION, CHOICES)
    assert not plain.fused
    assert "Entities read" not in plain.format()


def test_another_graph_is_refused(fused, graph_of, graph, tmp_path):
    fused.save(tmp_path / "bundle")
    other = graph_of(*graph.triples(), Triple("a", "IsA", "b"))
    with pytest.raises(FingerprintMismatchError, match=f"{graph.fingerprint[:12]}.*{other.fingerprint[:12]}"):
        Bundle.load(tmp_path / "bundle", other)
    table = fused.pipeline.knowledge.fused.table
    shutil.rmtree(tmp_path / "bundle" / "fused_entities")
    EntityTable(table.vectors, other.fingerprint, {}).save(tmp_path / "bundle" / "fused_entities")
    with pytest.raises(FingerprintMismatchError, match="entity table"):
        Bundle.load(tmp_path / "bundle")


def test_vectors_that_the_encoder_does_not_take_are_refused(fused, make_bundle, tmp_path):
    table = fused.pipeline.knowledge.fused.table
    fused.save(tmp_path / "bundle")
    shutil.rmtree(tmp_path / "bundle" / "fused_entities")
    with pytest.raises(DataError, match="holds no entity table"):
        Bundle.load(tmp_path / "bundle")
    EntityTable(table.vectors[:, :7], table.fingerprint, {}).save(tmp_path / "bundle" / "fused_entities")
    expected = f"takes in entity vectors of dimension {table.dim}, but the bundle holds entity vectors of dimension 7"
    with pytest.raises(DataError, match=expected):
        Bundle.load(tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    (tmp_path / "bundle" / "bundle.json").write_text(json.dumps({**manifest, "fused": None}))
    with pytest.raises(DataError, match="but the bundle holds no entity vectors"):
        Bundle.load(tmp_path / "bundle")
