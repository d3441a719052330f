"""Scores by which paths are pruned travel with the model."""

from dataclasses import replace

import numpy as np
import pytest

from kglm.inference import Answerer, Bundle
from kglm.kg.link_scores import LinkScores
from kglm.kg.schema_graph import SchemaOptions

QUESTION, CHOICES = "I dug in the garden to plant flowers. What did I dig with?", ["trowel", "excavator", "spade"]


def with_reasoning(bundle, **changes):
    known = bundle.pipeline.knowledge
    reasoning = replace(known.reasoning, **changes)
    return replace(bundle, pipeline=replace(bundle.pipeline, knowledge=replace(known, reasoning=reasoning)))


@pytest.fixture
def pruned(bundle):
    graph = bundle.pipeline.knowledge.graph
    values = np.random.default_rng(0).uniform(0.1, 1, len(graph.links.neighbors)).astype(np.float32)
    scores = LinkScores(values, graph.fingerprint, {"kind": "test"})
    return with_reasoning(bundle, schema=SchemaOptions(max_hops=3, min_path_score=0.3), scores=scores)


def test_they_select_and_prune_the_paths_before_and_after_saving(bundle, pruned, tmp_path):
    every = Answerer(with_reasoning(bundle, schema=SchemaOptions(max_hops=3)), "cpu").answer(QUESTION, CHOICES)
    answer = Answerer(pruned, "cpu").answer(QUESTION, CHOICES)
    assert 0 < len(answer.paths) < len(every.paths)
    pruned.save(tmp_path / "bundle")
    again = Answerer(Bundle.load(tmp_path / "bundle"), "cpu").answer(QUESTION, CHOICES)
    assert [path.line for path in again.paths] == [path.line for path in answer.paths]


def test_a_reasoner_over_neighbours_shows_nodes_that_no_path_needs(make_bundle):
    bundle = with_reasoning(make_bundle(reasoner="qagnn"), schema=SchemaOptions(source="neighbors"))
    answer = Answerer(bundle, "cpu").answer(QUESTION, CHOICES)
    assert answer.nodes
    assert not answer.paths
    assert not any("no path" in note for note in answer.notes)
