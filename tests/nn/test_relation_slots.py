from __future__ import annotations

import torch

from kglm.nn.context_graph import CONTEXT, ContextGraph
from kglm.nn.relation_slots import RelationSlots
from kglm.testing import random_graph_batch

GRAPH = random_graph_batch()


def triples() -> list[tuple[int, int, int]]:
    edges = torch.repeat_interleave(torch.arange(GRAPH.edge_index.shape[1]), GRAPH.edge_relation_offsets.diff())
    sources, targets = GRAPH.edge_index[:, edges].tolist()
    return sorted(zip(sources, GRAPH.edge_relations.tolist(), targets, strict=True))


def test_slots_hold_the_triples_by_target_and_relation() -> None:
    slots = RelationSlots.of(GRAPH, 3)
    found = []
    for q, (node, relation) in enumerate(zip(slots.slot_nodes.tolist(), slots.slot_relations.tolist(), strict=True)):
        own = slice(*slots.triple_offsets[q : q + 2].tolist())
        assert (slots.relations[own] == relation).all()
        found += [(source, relation, node) for source in slots.sources[own].tolist()]
        assert slots.slot_offsets[node] <= q < slots.slot_offsets[node + 1]
    assert sorted(found) == triples()
    keys = list(zip(slots.slot_nodes.tolist(), slots.slot_relations.tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert len(slots.slot_offsets) == GRAPH.num_nodes + 1


def test_the_context_node_joins_the_concepts_of_question_and_choice() -> None:
    context = ContextGraph.of(GRAPH, 3)
    rows = zip(context.sources.tolist(), (context.kinds // 16).tolist(), context.targets.tolist(), strict=True)
    extra = sorted(row for row in rows if row[1] >= 6)
    expected = [(n, 10, n) for n in range(GRAPH.num_nodes + GRAPH.num_graphs)]
    for node, (kind, g) in enumerate(zip(GRAPH.node_types.tolist(), GRAPH.node_graph.tolist(), strict=True)):
        if kind < 2:
            z = GRAPH.num_nodes + g
            expected += [(z, 6 + 2 * kind, node), (node, 7 + 2 * kind, z)]
    assert extra == sorted(expected)
    assert (context.node_types[GRAPH.num_nodes :] == CONTEXT).all()
    assert context.kinds.max() < context.num_kinds == 11 * 16
    assert torch.equal(context.kinds // 4 % 4, context.node_types[context.sources])
    assert torch.equal(context.kinds % 4, context.node_types[context.targets])
    assert context.target_offsets.diff().tolist() == context.targets.bincount(minlength=27).tolist()
