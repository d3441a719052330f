"""The searches on a graph of real size and skew, held against networkx and exact solutions."""

import networkx as nx
import numpy as np
import pytest

from kglm.kg.search import (
    connected_components,
    exact_pagerank,
    extract_neighborhoods,
    find_neighbors,
    personalized_pagerank,
    random_walks,
    shortest_paths,
)

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def directed(conceptnet):
    """The triples of ConceptNet in networkx, one edge for all relations from a head to a tail."""
    built = nx.DiGraph()
    built.add_nodes_from(range(conceptnet.num_entities))
    heads = np.repeat(np.arange(conceptnet.num_entities), np.diff(np.asarray(conceptnet.outgoing.indptr).astype(int)))
    built.add_edges_from(zip(heads.tolist(), conceptnet.outgoing.neighbors.tolist(), strict=True))
    return built


def test_components_are_those_of_networkx(conceptnet, directed):
    for connection, search in (
        ("weak", nx.weakly_connected_components),
        ("strong", nx.strongly_connected_components),
    ):
        found = connected_components(conceptnet, connection=connection)
        expected = sorted(((len(members), min(members)) for members in search(directed)), key=lambda c: (-c[0], c[1]))
        assert found.sizes.tolist() == [size for size, _ in expected]
        assert found.labels[[smallest for _, smallest in expected]].tolist() == list(range(len(expected)))


def test_paths_have_as_few_hops_as_those_of_networkx(conceptnet, directed):
    sources, targets = np.random.default_rng(0).integers(0, conceptnet.num_entities, (2, 100))
    for direction, built in (("out", directed), ("both", directed.to_undirected(as_view=True))):
        found = shortest_paths(conceptnet, sources, targets, cost="hops", direction=direction)
        for source, target, path in zip(sources.tolist(), targets.tolist(), found, strict=True):
            if path is None:
                assert not nx.has_path(built, source, target)
            else:
                assert nx.is_path(built, path.entities.tolist())
                assert len(path.relations) == len(nx.bidirectional_shortest_path(built, source, target)) - 1


def test_pagerank_is_within_its_bounds(conceptnet):
    seeds = [["dog", "cat"], ["person"], ["violin"]]
    exact = exact_pagerank(conceptnet, seeds, alpha=0.3, weighted=False, tolerance=1e-8)
    rankings = personalized_pagerank(conceptnet, seeds, alpha=0.3, weighted=False, tolerance=1e-5)
    degrees = np.maximum(np.diff(np.asarray(conceptnet.links.indptr).astype(int)), 1)
    for index, expected in enumerate(exact):
        entities, scores = rankings[index]
        missing = expected.copy()
        missing[entities] -= scores
        assert (missing >= -1e-7).all()
        assert (missing <= 1e-5 * degrees + 1e-7).all()
        assert missing.sum() == pytest.approx(rankings.residuals[index], abs=1e-4)


def test_what_reads_links_equals_what_reads_triples(conceptnet):
    # All relations in both directions are read from the links, a walk in one direction from the triples.
    entities = np.random.default_rng(1).integers(0, conceptnet.num_entities, 300)
    around = extract_neighborhoods(conceptnet, entities, hops=1)
    listed = find_neighbors(conceptnet, entities, direction="both")
    for index, entity in enumerate(entities):
        others = dict.fromkeys(listed[index].neighbors.tolist())
        others.pop(entity, None)
        found = around[index].nodes.tolist()
        assert found[0] == entity
        assert sorted(found[1:]) == sorted(others)


def test_walks_follow_links(conceptnet, directed):
    walks = random_walks(conceptnet, np.arange(0, conceptnet.num_entities, 50), weighted=True, backtrack=False)
    for entities, relations in walks:
        for here, there, relation in zip(entities, entities[1:], relations, strict=False):
            forward = relation < conceptnet.num_relations
            assert directed.has_edge(*((here, there) if forward else (there, here)))
