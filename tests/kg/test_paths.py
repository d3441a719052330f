"""The compiled path search against the rule in the docstring of kglm.kg.paths, restated with networkx."""

import math
from itertools import pairwise, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kglm.data.grounding import ground
from kglm.data.multiple_choice import read_examples
from kglm.errors import ConfigError
from kglm.kg import Triple
from kglm.kg.paths import STEPS, GraphPath, ScoredLinks, find_paths
from kglm.kg.schema_graph import ConceptSets, SchemaOptions, extract_schema_graphs
from kglm.linking import LexicalLinker


class NaiveSearch:
    """Every simple path enumerated by networkx, and only then scored and put in order."""

    def __init__(self, graph, link_scores=None):
        ids = {name: index for index, name in enumerate(graph.entities)}
        self.simple = nx.Graph()
        self.simple.add_nodes_from(ids.values())
        for triple in graph.triples():
            head, tail = ids[triple.head], ids[triple.tail]
            if head != tail:
                before = self.simple.get_edge_data(head, tail, {"score": 0.0})["score"]
                self.simple.add_edge(head, tail, score=max(before, np.float32(triple.weight)))
        if link_scores is not None:
            self.score(graph, link_scores)

    def score(self, graph, link_scores):
        given = iter(link_scores.tolist())
        both = {(a, int(b)): next(given) for a in range(graph.num_entities) for b in graph.links.row(a)}
        for a, b, data in self.simple.edges(data=True):
            data["score"] = max(both[a, b], both[b, a])

    def log(self, a, b):
        return round(math.log2(self.simple[a][b]["score"]) * STEPS)

    def between(self, source, target, hops):
        """Return scores and nodes of all simple paths of ``hops`` hops, best first."""
        found = [
            (sum(self.log(a, b) for a, b in pairwise(nodes)), tuple(nodes))
            for nodes in nx.all_simple_paths(self.simple, source, target, cutoff=hops)
            if len(nodes) == hops + 1
        ]
        return sorted(found, key=lambda path: (-path[0], path[1]))

    def paths(self, pair, max_hops, max_paths):
        """Return scores, concept pairs and nodes of the paths kept."""
        concept_pairs = list(product(pair.question.tolist(), pair.choice.tolist()))
        kept = []
        for hops in range(1, max_hops + 1):
            lists = [self.between(source, target, hops) for source, target in concept_pairs]
            for rank in range(max(map(len, lists), default=0)):
                equal = [(*found[rank], number) for number, found in enumerate(lists) if rank < len(found)]
                kept += sorted(equal, key=lambda path: (-path[0], path[2]))
        return [(number, nodes, 2.0 ** (score / STEPS)) for score, nodes, number in kept[:max_paths]]


def compiled_paths(schemas, index):
    """Return the paths of one schema graph in the form of :class:`NaiveSearch`."""
    nodes = schemas.nodes[schemas.node_offsets[index] : schemas.node_offsets[index + 1]]
    span = slice(*schemas.path_offsets[index : index + 2])
    paths = [tuple(nodes[local].tolist()) for local, _ in schemas.paths(index)]
    return list(zip(schemas.path_pair[span].tolist(), paths, schemas.path_scores[span].tolist(), strict=True))


def assert_equals_the_rule(graph, pairs, max_hops, max_paths, naive=None, links=None):
    schemas = extract_schema_graphs(graph, pairs, SchemaOptions(max_hops=max_hops, max_paths=max_paths), links=links)
    naive = naive or NaiveSearch(graph)
    for index, pair in enumerate(pairs):
        found, expected = compiled_paths(schemas, index), naive.paths(pair, max_hops, max_paths)
        assert [path[:2] for path in found] == [path[:2] for path in expected]
        assert [path[2] for path in found] == pytest.approx([path[2] for path in expected], rel=1e-5)
    return schemas


def concepts(question, choice):
    return ConceptSets(np.array(question, dtype=np.int32), np.array(choice, dtype=np.int32))


# Few weights, so that ties are common; one so small that only its logarithm can be multiplied.
weights = st.sampled_from([1e-38, 0.5, 1.0, 1.0, 2.0, 3.0])
names = st.sampled_from(["a", "Ärger", "犬", "e\u0301", "é", "b c", "🐕", "z", "ﬁ"])
triple = st.builds(Triple, names, st.sampled_from(["r", "s", "关系"]), names, weights, st.just(""))


@st.composite
def cases(draw):
    """Triples with multi-edges, self-loops and parts apart, sometimes with a hub; and concept sets."""
    triples = draw(st.lists(triple, min_size=1, max_size=40))
    if draw(st.booleans()):
        triples += [Triple("hub", "r", name, draw(weights)) for name in ["a", "Ärger", "犬", "é", "z", "leaf"]]
    size = len({name for item in triples for name in (item.head, item.tail)})
    pairs = []
    for _ in range(draw(st.integers(1, 4))):
        order = draw(st.permutations(range(size)))
        question = draw(st.integers(0, min(3, size)))
        choice = draw(st.integers(0, min(3, size - question)))
        pairs.append(concepts(order[:question], order[question : question + choice]))
    return triples, pairs


@settings(max_examples=100)
@given(cases(), st.integers(1, 4), st.sampled_from([1, 2, 3, 7, 20, 1000]))
@example(([Triple("a", "r", "b"), Triple("b", "r", "c"), Triple("c", "r", "a")], [concepts([0], [1])]), 3, 1000)
def test_paths_equal_those_of_networkx(graph_of, case, max_hops, max_paths):
    triples, pairs = case
    assert_equals_the_rule(graph_of(*triples), pairs, max_hops, max_paths)


@settings(max_examples=60)
@given(cases(), st.integers(1, 4), st.sampled_from([1, 3, 1000]), st.data())
def test_paths_by_given_scores_equal_those_of_networkx(graph_of, case, max_hops, max_paths, data):
    triples, pairs = case
    graph = graph_of(*triples)
    size = len(graph.links.neighbors)
    scores = data.draw(st.lists(st.sampled_from([0.1, 0.15, 0.9, 0.9000001, 1.0]), min_size=size, max_size=size))
    scores = np.array(scores, dtype=np.float32)
    links = ScoredLinks.by_score(graph, scores)
    assert_equals_the_rule(graph, pairs, max_hops, max_paths, NaiveSearch(graph, scores), links)


def test_a_score_for_each_link_changes_what_is_best(graph_of):
    graph = graph_of(
        Triple("a", "r", "m", 9.0), Triple("m", "r", "z", 9.0), Triple("a", "r", "n"), Triple("n", "r", "z")
    )
    a, m, n, z = map(graph.entity_id, "amnz")
    assert [path.entities for path in find_paths(graph, [a], [z])] == [(a, m, z), (a, n, z)]
    scores = np.array([0.9 if n in (row, other) else 0.1 for row in range(4) for other in graph.links.row(row)])
    found = find_paths(graph, [a], [z], links=ScoredLinks.by_score(graph, scores))
    assert [path.entities for path in found] == [(a, n, z), (a, m, z)]
    assert [path.score for path in found] == pytest.approx([0.81, 0.01], rel=1e-6)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([0.5], r"link_scores has shape \(1,\), expected \(2,\), one a link"),
        ([0.5, 0.0], r"link_scores\[1\] is 0.0, expected 1e-38 to 1e\+38"),
        ([math.nan, 0.5], r"link_scores\[0\] is nan"),
    ],
)
def test_scores_that_are_none_are_refused(graph_of, scores, message):
    graph = graph_of(Triple("a", "r", "b"))
    with pytest.raises(ValueError, match=message):
        ScoredLinks.by_score(graph, np.array(scores))


def test_find_paths_tells_entities_relations_and_score(graph_of):
    graph = graph_of(
        Triple("dig", "usedfor", "spade", 2.0),
        Triple("spade", "isa", "dig", 3.0),
        Triple("garden", "has", "spade", 0.5),
    )
    dig, garden, spade = map(graph.entity_id, ("dig", "garden", "spade"))
    has, isa, usedfor = map(graph.relation_id, ("has", "isa", "usedfor"))
    [path] = find_paths(graph, [dig], [garden])
    assert path == GraphPath((dig, spade, garden), ((usedfor, isa + 3), (has + 3,)), pytest.approx(1.5, rel=1e-6))


def test_find_paths_keeps_the_best_of_all_pairs(graph_of):
    graph = graph_of(*(Triple(f"q{i}", "r", f"a{j}", 1.0 + i + 2 * j) for i in range(2) for j in range(2)))
    sources, targets = [[graph.entity_id(f"{side}{i}") for i in range(2)] for side in "qa"]
    found = find_paths(graph, sources, targets, max_hops=1, max_paths=3)
    assert [path.score for path in found] == [4.0, 3.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0], [0]), ValueError, "entity id 0 stands twice"),
        (([5], [0]), ValueError, "entity id 5 is outside the graph of 2 entities"),
        (([0], [1], 5), ConfigError, "max_hops is 5, expected 1 to 4"),
        (([0], [1], 2, 0), ConfigError, "max_paths is 0, expected at least 1"),
    ],
)
def test_find_paths_refuses_what_it_cannot_search(graph_of, arguments, error, message):
    graph = graph_of(Triple("a", "r", "b"))
    with pytest.raises(error, match=message):
        find_paths(graph, *arguments)


def test_around_a_hub_the_tables_grow_and_the_rule_holds(graph_of):
    leaves = 400
    triples = [Triple("target", "r", hub, 1.0) for hub in ("hub0", "hub1")]
    for hub in ("hub0", "hub1"):
        triples += [Triple(hub, "r", f"leaf{i}", 1.0 + i % 3) for i in range(leaves)]
    triples += [Triple("source", "r", f"leaf{i}", 1.0 + i % 2) for i in range(0, leaves, 20)]
    triples += [Triple("other", "r", "hub1"), Triple("other", "r", "target"), Triple("source", "r", "other")]
    graph = graph_of(*triples)
    source, other, target = (graph.entity_id(name) for name in ("source", "other", "target"))
    pairs = [concepts([target], [other]), concepts([source, other], [target]), concepts([source], [target, other])]
    naive = NaiveSearch(graph)
    for max_hops, max_paths in ((2, 1000), (3, 1), (3, 50), (4, 100)):
        assert_equals_the_rule(graph, pairs, max_hops, max_paths, naive)


@pytest.mark.data
def test_commonsense_questions_over_conceptnet_equal_networkx(data_dir, conceptnet):
    examples = read_examples(data_dir / "commonsense_qa" / "train_rand_split.jsonl.gz")
    rng = np.random.default_rng(1)
    chosen = [examples[i] for i in rng.choice(len(examples), 6, replace=False)]
    pairs = ground(chosen, LexicalLinker(conceptnet))
    naive = NaiveSearch(conceptnet)
    schemas = assert_equals_the_rule(conceptnet, pairs[::3], 2, 100, naive)
    assert schemas.path_offsets[-1] > 100
    degree = np.diff(conceptnet.links.indptr)
    small = sorted(pairs, key=lambda pair: degree[pair.question].sum() + degree[pair.choice].sum())
    assert_equals_the_rule(
        conceptnet, [pair for pair in small if len(pair.question) and len(pair.choice)][:2], 3, 100, naive
    )
