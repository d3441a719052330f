from __future__ import annotations

import torch
from naive_reasoners import naive_relation

from kglm.nn.relation_bag import RelationBag
from kglm.testing import random_graph

GRAPH = random_graph(seed=1)


def test_mean_over_the_whole_relation_set() -> None:
    bag = RelationBag(3, 4)
    assert int(GRAPH.edge_relation_offsets.diff().max()) > 1
    vectors = bag(GRAPH.edge_relations, GRAPH.edge_relation_offsets)
    for edge in range(GRAPH.edge_index.shape[1]):
        torch.testing.assert_close(vectors[edge], naive_relation(bag.embedding.weight, GRAPH, edge))


def test_projection_commutes_with_the_mean() -> None:
    bag, projection = RelationBag(3, 4).double(), torch.randn(6, 4, dtype=torch.float64)
    vectors = bag(GRAPH.edge_relations, GRAPH.edge_relation_offsets)
    projected = bag(GRAPH.edge_relations, GRAPH.edge_relation_offsets, projection=projection)
    torch.testing.assert_close(projected, vectors @ projection.t())


def test_the_order_within_a_set_does_not_matter_and_an_empty_set_is_zero() -> None:
    bag, offsets = RelationBag(3, 4), torch.tensor([0, 3, 3])
    forward = bag(torch.tensor([0, 4, 2]), offsets)
    torch.testing.assert_close(forward, bag(torch.tensor([2, 0, 4]), offsets))
    assert not forward[1].any()


def test_gradient_and_no_edges() -> None:
    bag = RelationBag(3, 4)
    vectors = bag(torch.zeros(0, dtype=torch.long), torch.zeros(1, dtype=torch.long))
    assert vectors.shape == (0, 4)
    bag(torch.tensor([1, 5]), torch.tensor([0, 2])).sum().backward()
    assert bag.embedding.weight.grad.sum(1).tolist() == [0, 2, 0, 0, 0, 2]
