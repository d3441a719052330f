import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.data.facts import Fact, FactOptions
from kglm.data.facts.graph_facts import GraphFacts
from kglm.kg.records import Triple
from kglm.kg.schema_graph import ConceptSets
from kglm.kg.verbalization import verbalize_triple

NAMES = "abcdefg"
RELATIONS = ("UsedFor", "IsA", "RelatedTo")


def concept_sets(graph, question, choice):
    ids = lambda names: np.asarray([graph.entity_id(n) for n in names if graph.entities.find(n) >= 0], np.int32)  # noqa: E731
    return ConceptSets(ids(question), ids(choice))


def naive_clause(triples, one, other):
    """Return the triple between two entities with the highest w * N / N_r."""
    counts = {relation: sum(t.relation == relation for t in triples) for relation in RELATIONS}
    between = [t for t in triples if {t.head, t.tail} == {one, other}]
    scored = [(t.weight * len(triples) / counts[t.relation], t) for t in between]
    return max(scored, key=lambda pair: pair[0], default=None)


def test_the_rarest_relation_and_the_heaviest_triple_are_told(graph_of):
    graph = graph_of(
        Triple("trowel", "RelatedTo", "dig", 2.0),
        Triple("trowel", "UsedFor", "dig", 1.0),
        *(Triple(f"x{i}", "RelatedTo", f"y{i}") for i in range(6)),
    )
    facts = GraphFacts(graph, FactOptions())
    (found,) = facts.find([concept_sets(graph, ["dig"], ["trowel"])])
    assert found == [Fact("trowel is used for dig", pytest.approx(8.0), "graph")]


def test_direct_triples_come_before_chains_and_nothing_gives_nothing(graph_of):
    graph = graph_of(
        Triple("trowel", "IsA", "tool", 9.0),
        Triple("tool", "UsedFor", "dig", 9.0),
        Triple("trowel", "UsedFor", "dig", 0.5),
        Triple("bed", "HasA", "pillow"),
    )
    pairs = [concept_sets(graph, ["dig"], ["trowel"]), concept_sets(graph, ["dig"], ["pillow"])]
    chains, none = GraphFacts(graph, FactOptions(max_hops=2)).find(pairs)
    assert [fact.text for fact in chains] == [
        "trowel is used for dig",
        "tool is used for dig; trowel is a kind of tool",
    ]
    assert none == []
    (direct, _) = GraphFacts(graph, FactOptions(max_hops=1)).find(pairs)
    assert direct == chains[:1]


names, weights = st.sampled_from(NAMES), st.sampled_from([0.5, 1.0, 3.0])
triples = st.builds(Triple, names, st.sampled_from(RELATIONS), names, weights)


@settings(max_examples=15)
@given(st.lists(triples, min_size=1, max_size=20, unique_by=lambda t: (t.head, t.relation, t.tail)))
def test_direct_facts_are_those_of_the_formula(graph_of, found):
    graph = graph_of(*found)
    sets = concept_sets(graph, "abc", "def")
    (facts,) = GraphFacts(graph, FactOptions(paths_considered=50)).find([sets])
    best = [naive_clause(found, one, other) for one in "abc" for other in "def"]
    expected = {verbalize_triple(t.head, t.relation, t.tail): score for score, t in (pair for pair in best if pair)}
    assert sorted(fact.score for fact in facts) == pytest.approx(sorted(expected.values()))
    assert [fact.score for fact in facts] == sorted((fact.score for fact in facts), reverse=True)
