import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interchange_records import few, records

from kglm.kg.interchange import selection
from kglm.kg.interchange.selection import Selection
from kglm.kg.records import Label, Triple

SMALL = ("a", "b", "c", "d", "e")


def naive(graph, chosen):
    """Return the triples between chosen names, and each chosen entity's surface forms without its label."""
    triples = [triple for triple in graph.triples() if triple.head in chosen and triple.tail in chosen]
    forms = {name: [] for name in sorted(chosen)}
    for surface in range(len(graph.surfaces)):
        for entity in graph.surface_entities[graph.surface_indptr[surface] : graph.surface_indptr[surface + 1]]:
            name = graph.entities[int(entity)]
            if name in forms and graph.surfaces[surface] != graph.labels[int(entity)]:
                forms[name].append(graph.surfaces[surface])
    return triples, forms


@few
@given(
    items=records(names=st.sampled_from(SMALL)),
    chosen=st.none() | st.sets(st.sampled_from(SMALL)),
    sizes=st.tuples(*[st.integers(1, 4)] * 3),
)
def test_blocks_of_any_size_hold_what_the_graph_says(graph_of, items, chosen, sizes):
    graph = graph_of(*items)
    names = set(graph.entities) & (set(SMALL) if chosen is None else chosen)
    ids = None if chosen is None else [graph.entity_id(name) for name in sorted(names, reverse=True)]
    with pytest.MonkeyPatch.context() as patch:
        for constant, size in zip(("BLOCK_ENTITIES", "BLOCK_EDGES", "ALIAS_WINDOW"), sizes, strict=True):
            patch.setattr(selection, constant, size)
        blocks = list(Selection(graph, ids).blocks())
    triples = [
        Triple(edges.names[row], graph.relations[relation], tail, weight, source)
        for _, edges in blocks
        for row, relation, tail, weight, source in edges
    ]
    expected, forms = naive(graph, names)
    assert triples == expected
    found = [pair for entities, _ in blocks for pair in zip(entities.names, entities.aliases, strict=True)]
    assert found == list(forms.items())
    assert all(len(entities.ids) <= sizes[0] for entities, _ in blocks)


def test_counts_of_labels_and_aliases_are_kept(graph_of):
    graph = graph_of(
        Triple("a", "r", "b"),
        Label("a", "first", True, 5),
        Label("a", "other", False, 3),
        Label("b", "other", False, 1),
    )
    ((entities, _),) = Selection(graph).blocks()
    assert (entities.labels[0], entities.label_counts[0]) == ("first", 5)
    assert entities.alias_counts == [[3], [1]]


def test_edges_are_those_of_the_blocks(graph_of):
    graph = graph_of(Triple("a", "r", "b", 2.0), Triple("b", "r", "a"), Triple("b", "r", "c"))
    heads, relations, tails, weights = Selection(graph, np.array([1, 0])).edges()
    assert (heads.tolist(), relations.tolist(), tails.tolist(), weights.tolist()) == (
        [0, 1],
        [0, 0],
        [1, 0],
        [2.0, 1.0],
    )
