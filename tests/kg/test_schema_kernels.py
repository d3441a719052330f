"""The compiled path search against the rule in its docstring, restated plainly."""

from itertools import islice, pairwise, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kglm.data.grounding import ground
from kglm.data.multiple_choice import read_examples
from kglm.kg import Triple
from kglm.kg.interchange import to_networkx
from kglm.kg.schema_graph import ConceptSets, SchemaOptions, extract_schema_graphs
from kglm.kg.schema_kernels import MARK_BUDGET
from kglm.linking import LexicalLinker


class PlainSearch:
    """Simple paths by recursion over dicts made from the triples alone."""

    def __init__(self, graph):
        ids = {name: index for index, name in enumerate(graph.entities)}
        heaviest = {}
        for triple in graph.triples():
            head, tail = ids[triple.head], ids[triple.tail]
            if head != tail:
                for one, other in ((head, tail), (tail, head)):
                    row = heaviest.setdefault(one, {})
                    row[other] = max(triple.weight, row.get(other, 0.0))
        self.neighbours = {
            one: dict.fromkeys(sorted(row, key=lambda other: (-row[other], other))) for one, row in heaviest.items()
        }

    def walk(self, path, target, hops):
        """Yield the simple paths of ``hops`` more hops from the end of ``path`` to ``target``, depth first."""
        around = self.neighbours.get(path[-1], {})
        if hops == 1:
            if target in around and target not in path:
                yield (*path, target)
            return
        for other in around:
            if other != target and other not in path:
                yield from self.walk((*path, other), target, hops - 1)

    def paths(self, pair, max_hops, max_paths):
        concept_pairs = list(product(pair.question, pair.choice))
        kept = []
        for hops in range(1, max_hops + 1):
            lists = [
                list(islice(self.walk((int(source),), int(target), hops), max_paths))
                for source, target in concept_pairs
            ]
            for rank in range(max(map(len, lists), default=0)):
                kept += [(number, found[rank]) for number, found in enumerate(lists) if rank < len(found)]
        return kept[:max_paths]


class NetworkxSearch(PlainSearch):
    """The same rule with every simple path enumerated by networkx, and only then put in order."""

    def __init__(self, graph):
        super().__init__(graph)
        ids = {name: index for index, name in enumerate(graph.entities)}
        self.simple = nx.relabel_nodes(nx.Graph(to_networkx(graph)), ids)
        self.ranks = {one: {other: rank for rank, other in enumerate(row)} for one, row in self.neighbours.items()}

    def walk(self, path, target, hops):
        """Yield the simple paths of ``hops`` hops from ``path[0]`` to ``target``, in the rule's order."""
        found = [
            tuple(nodes)
            for nodes in nx.all_simple_paths(self.simple, path[0], target, cutoff=hops)
            if len(nodes) == hops + 1
        ]
        yield from sorted(found, key=lambda nodes: [self.ranks[a][b] for a, b in pairwise(nodes)])


def compiled_paths(schemas, index):
    """Return the paths of one schema graph in the form of :class:`PlainSearch`."""
    nodes = schemas.nodes[schemas.node_offsets[index] : schemas.node_offsets[index + 1]]
    pairs = schemas.path_pair[schemas.path_offsets[index] : schemas.path_offsets[index + 1]]
    paths = [tuple(nodes[local].tolist()) for local, _ in schemas.paths(index)]
    return list(zip(pairs.tolist(), paths, strict=True))


def assert_equals_the_rule(graph, pairs, max_hops, max_paths, plain=None):
    schemas = extract_schema_graphs(graph, pairs, SchemaOptions(max_hops=max_hops, max_paths=max_paths))
    plain = plain or PlainSearch(graph)
    for index, pair in enumerate(pairs):
        assert compiled_paths(schemas, index) == plain.paths(pair, max_hops, max_paths)
    return schemas


def concepts(question, choice):
    return ConceptSets(np.array(question, dtype=np.int32), np.array(choice, dtype=np.int32))


entity = st.integers(0, 7)
# Few weights, so that ties are common.
triple = st.builds(
    lambda head, relation, tail, weight: Triple(f"e{head}", relation, f"e{tail}", weight),
    entity, st.sampled_from(["r", "s"]), entity, st.sampled_from([1.0, 2.0, 3.0]),
)  # fmt: skip


@st.composite
def cases(draw):
    triples = draw(st.lists(triple, min_size=1, max_size=40))
    size = len({name for item in triples for name in (item.head, item.tail)})
    pairs = []
    for _ in range(draw(st.integers(1, 4))):
        order = draw(st.permutations(range(size)))
        question = draw(st.integers(0, min(3, size)))
        choice = draw(st.integers(0, min(3, size - question)))
        pairs.append(concepts(order[:question], order[question : question + choice]))
    return triples, pairs


@settings(max_examples=100)
@given(cases(), st.integers(1, 3), st.sampled_from([1, 2, 3, 7, 1000]))
@example(([Triple("a", "r", "b"), Triple("b", "r", "c"), Triple("c", "r", "a")], [concepts([0], [1])]), 3, 1000)
def test_paths_follow_the_rule(graph_of, case, max_hops, max_paths):
    triples, pairs = case
    assert_equals_the_rule(graph_of(*triples), pairs, max_hops, max_paths)


@settings(max_examples=50)
@given(cases(), st.integers(1, 3), st.sampled_from([1, 3, 1000]))
def test_paths_equal_those_of_networkx(graph_of, case, max_hops, max_paths):
    triples, pairs = case
    graph = graph_of(*triples)
    assert_equals_the_rule(graph, pairs, max_hops, max_paths, NetworkxSearch(graph))


def hub_graph(graph_of, leaves):
    """Two hubs beside the target, each with many leaves, some of which the sources also touch."""
    triples = [Triple("target", "r", hub, 1.0) for hub in ("hub0", "hub1")]
    for hub in ("hub0", "hub1"):
        triples += [Triple(hub, "r", f"leaf{i}", 1.0 + i % 3) for i in range(leaves)]
    triples += [Triple("source", "r", f"leaf{i}", 1.0 + i % 2) for i in range(0, leaves, leaves // 20)]
    triples += [Triple("other", "r", "hub1"), Triple("other", "r", "target"), Triple("source", "r", "other")]
    return graph_of(*triples)


def surroundings(graph, entity):
    """Return how many steps it takes to mark what is within two hops."""
    return sum(len(graph.links.row(int(other))) for other in graph.links.row(entity))


@pytest.mark.parametrize("max_paths", [1, 5, 1000])
@pytest.mark.parametrize(("leaves", "marked"), [(MARK_BUDGET // 4, True), (MARK_BUDGET, False)])
def test_hubs_within_and_beyond_the_mark_budget_follow_the_rule(graph_of, leaves, marked, max_paths):
    graph = hub_graph(graph_of, leaves)
    source, other, target = (graph.entity_id(name) for name in ("source", "other", "target"))
    assert (surroundings(graph, target) <= MARK_BUDGET) == marked
    pairs = [concepts([source, other], [target]), concepts([source], [target, other])]
    schemas = assert_equals_the_rule(graph, pairs, 3, max_paths)
    assert schemas.path_offsets[1] == max_paths or (max_paths == 1000 and schemas.path_offsets[1] > 40)


@pytest.mark.data
def test_commonsense_questions_over_conceptnet_follow_the_rule(data_dir, conceptnet):
    examples = read_examples(data_dir / "commonsense_qa" / "train_rand_split.jsonl.gz")
    chosen = [examples[i] for i in np.random.default_rng(0).choice(len(examples), 6, replace=False)]
    pairs = ground(chosen, LexicalLinker(conceptnet))
    plain = PlainSearch(conceptnet)
    for max_hops, max_paths in ((3, 100), (2, 1000)):
        schemas = assert_equals_the_rule(conceptnet, pairs, max_hops, max_paths, plain)
        assert schemas.path_offsets[-1] > 500


@pytest.mark.data
def test_commonsense_questions_over_conceptnet_equal_networkx(data_dir, conceptnet):
    examples = read_examples(data_dir / "commonsense_qa" / "train_rand_split.jsonl.gz")
    pairs = ground(examples, LexicalLinker(conceptnet))
    rng = np.random.default_rng(1)
    sample = [pairs[i] for i in rng.choice(len(pairs), 30, replace=False)]
    reference = NetworkxSearch(conceptnet)
    schemas = assert_equals_the_rule(conceptnet, sample, 2, 100, reference)
    assert schemas.path_offsets[-1] > 200
    assert_equals_the_rule(conceptnet, sample[:2], 3, 100, reference)
