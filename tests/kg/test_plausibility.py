import random
from itertools import pairwise

import numpy as np
import pytest

from kglm.kg import Triple
from kglm.kg.paths import ScoredLinks, find_paths
from kglm.kg.plausibility import score_links, score_triples
from kglm.kg.schema_graph import ConceptSets, SchemaOptions, extract_schema_graphs


@pytest.fixture(scope="module")
def graph(graph_of):
    source = random.Random(3)
    names = [f"e{number:02}" for number in range(30)]
    triples = [Triple(source.choice(names), source.choice("rst"), source.choice(names)) for _ in range(140)]
    return graph_of(*triples, Triple("e00", "r", "e00"), Triple("e00", "r", "e01"), Triple("e01", "s", "e00"))


@pytest.fixture(scope="module")
def vectors(graph):
    rng = np.random.default_rng(0)
    return rng.normal(size=(graph.num_entities, 6)), rng.normal(size=(graph.num_relations, 6))


def naive_score(head, relation, tail, entities, relations):
    way = entities[tail] - entities[head]
    norm = np.sqrt(sum(x * x for x in way)) * np.sqrt(sum(x * x for x in relations[relation]))
    cosine = sum(x * y for x, y in zip(way, relations[relation], strict=True)) / norm if norm else 0.0
    return (1 + cosine) / 2


def test_triples_against_the_formula(graph, vectors, monkeypatch):
    monkeypatch.setattr("kglm.kg.plausibility.CHUNK", 7)
    heads, relations, tails, _ = graph.triple_arrays()
    found = score_triples(heads, relations, tails, *vectors)
    expected = [naive_score(*triple, *vectors) for triple in zip(heads, relations, tails, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32
    assert (found[heads == tails] == 0.5).all()  # no way at all


def test_the_ends_of_the_scale():
    entities, relations = np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[1.0, 2.0], [0.0, 0.0]])
    scores = score_triples(np.array([0, 1, 0]), np.array([0, 0, 1]), np.array([1, 0, 1]), entities, relations)
    np.testing.assert_allclose(scores, [1, 0, 0.5], atol=1e-7)


def test_a_link_scores_as_the_best_of_its_triples_in_either_direction(graph, vectors):
    heads, relations, tails, _ = graph.triple_arrays()
    triples = score_triples(heads, relations, tails, *vectors)
    found = score_links(graph, triples)
    indptr = graph.links.indptr.astype(int)
    for entity in range(graph.num_entities):
        for place in range(indptr[entity], indptr[entity + 1]):
            other = graph.links.neighbors[place]
            own = [score for h, t, score in zip(heads, tails, triples, strict=True) if {h, t} == {entity, other}]
            assert found[place] == max(own)


def test_paths_are_the_product_of_their_links_and_pruned_by_it(graph, vectors):
    heads, relations, tails, _ = graph.triple_arrays()
    links = ScoredLinks.by_score(graph, score_links(graph, score_triples(heads, relations, tails, *vectors)))
    pairs = [ConceptSets(np.array([0, 1]), np.array([2, 3])), ConceptSets(np.array([4]), np.array([5, 6]))]
    whole = extract_schema_graphs(graph, pairs, SchemaOptions(), links=links)
    by_triple = {}
    for h, r, t in zip(heads, relations, tails, strict=True):
        key = frozenset((h, t))
        by_triple[key] = max(by_triple.get(key, 0), naive_score(h, r, t, *vectors))
    for index in range(len(pairs)):
        entities = whole.nodes[whole.node_offsets[index] : whole.node_offsets[index + 1]]
        scores = whole.path_scores[whole.path_offsets[index] : whole.path_offsets[index + 1]]
        for (nodes, _), score in zip(whole.paths(index), scores, strict=True):
            ids = entities[nodes]
            hops = [by_triple[frozenset(hop)] for hop in pairwise(ids)]
            assert score == pytest.approx(np.prod(hops), rel=1e-5)
    assert find_paths(graph, [0], [2], links=links)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda graph: score_links(graph, np.ones(3)), r"triple_scores has shape \(3,\), expected"),
        (
            lambda _: score_triples(*[np.zeros(1, dtype=int)] * 3, np.ones((2, 3)), np.ones((2, 4))),
            "entity vectors have 3 dimensions and relation vectors 4",
        ),
    ],
)
def test_mistakes_are_named(graph, call, message):
    with pytest.raises(ValueError, match=message):
        call(graph)
