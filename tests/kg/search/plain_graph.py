"""Random graphs, and the same graph as plain Python, which the compiled searches are held against."""

import math
from collections import defaultdict
from typing import NamedTuple

import networkx as nx
from hypothesis import strategies as st

from kglm.kg import Triple

NAMES = ["a", "b", "c_c", "é", "ß", "中文", "😀", "z z", "zz", "Ω"]
RELATIONS = ["IsA", "r", "été"]


class Edge(NamedTuple):
    """A triple by ids."""

    head: int
    relation: int
    tail: int
    weight: float


def triples(max_size=40):
    """A strategy for lists of triples; few names and weights, so that ties, loops and multi-edges are common."""
    names, weights = st.sampled_from(NAMES), st.sampled_from([0.5, 1.0, 2.0, 3.0])
    triple = st.builds(Triple, names, st.sampled_from(RELATIONS), names, weights)
    return st.lists(triple, min_size=1, max_size=max_size)


def filters():
    """A strategy for the options that filter edges, relations by name."""
    return st.fixed_dictionaries(
        {
            "direction": st.sampled_from(["out", "in", "both"]),
            "relations": st.none() | st.just(["r"]) | st.just(RELATIONS),
            "min_weight": st.sampled_from([0.0, 1.0, 2.5]),
        }
    )


def several(strategy):
    """A strategy for three cases at a time: compiling a graph takes longer than searching it."""
    return st.lists(strategy, min_size=3, max_size=3)


def known(graph, options):
    """Return the options without the relations that a random graph happens to lack."""
    if options["relations"] is None:
        return options
    return {**options, "relations": [name for name in options["relations"] if name in graph.relations] or None}


class PlainGraph:
    """The edges of a graph as a list, made from its triples by name."""

    def __init__(self, graph):
        ids = {name: index for index, name in enumerate(graph.entities)}
        self.num_entities, self.num_relations, self.names = len(ids), len(graph.relations), graph.relations
        self.edges = [
            Edge(ids[t.head], graph.relations.index(t.relation), ids[t.tail], t.weight) for t in graph.triples()
        ]

    def permitted(self, relations=None, min_weight=0.0):
        return [
            edge
            for edge in self.edges
            if edge.weight >= min_weight and (relations is None or self.names[edge.relation] in relations)
        ]

    def steps(self, entity, direction="both", relations=None, min_weight=0.0):
        """Return (relation, neighbour, weight) of every permitted way to leave an entity; loops once."""
        found = []
        for edge in self.permitted(relations, min_weight):
            if direction != "in" and edge.head == entity:
                found.append((edge.relation, edge.tail, edge.weight))
            if direction != "out" and edge.tail == entity and not (direction == "both" and edge.head == entity):
                found.append((edge.relation + self.num_relations, edge.head, edge.weight))
        return found

    def link_weights(self, entity, **options):
        """Return the weight of the link to each neighbour, the entity itself left out."""
        heaviest = defaultdict(float)
        for _, other, weight in self.steps(entity, **options):
            if other != entity:
                heaviest[other] = max(heaviest[other], weight)
        return heaviest

    def networkx(self, cost=lambda weight: 1.0, **options):
        """Return the steps as a directed networkx graph, with the cheapest cost of each."""
        built = nx.DiGraph()
        built.add_nodes_from(range(self.num_entities))
        for entity in range(self.num_entities):
            for _, other, weight in self.steps(entity, **options):
                price = min(
                    cost(weight), built.edges[entity, other]["cost"] if built.has_edge(entity, other) else math.inf
                )
                built.add_edge(entity, other, cost=price)
        return built
