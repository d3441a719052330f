import json

from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.inspection.difference import compare_graphs
from kglm.kg import Label, Triple

NAME = st.sampled_from(["a", "b", "c", "d", "é", "a b", "犬"])
TRIPLES = st.lists(
    st.builds(Triple, NAME, st.sampled_from(["R", "S", "T"]), NAME, st.sampled_from([0.5, 1.0, 2.0])),
    min_size=1,
    max_size=12,
    unique_by=lambda triple: triple[:3],
)


@settings(max_examples=20)
@given(TRIPLES, TRIPLES)
def test_the_changes_are_those_of_sets(graph_of, before, after):
    found = compare_graphs(graph_of(*before), graph_of(*after), max_examples=100)
    old, new = ({triple[:3]: triple.weight for triple in triples} for triples in (before, after))
    reweighted = {key for key in old.keys() & new.keys() if old[key] != new[key]}
    triples = found.triples
    assert {triple[:3]: triple.weight for triple in triples.added_examples} == {
        key: new[key] for key in new.keys() - old.keys()
    }
    assert {triple[:3]: triple.weight for triple in triples.removed_examples} == {
        key: old[key] for key in old.keys() - new.keys()
    }
    assert {(one[:3], one.weight, other.weight) for one, other in triples.reweighted_examples} == {
        (key, old[key], new[key]) for key in reweighted
    }
    assert triples.added == len(triples.added_examples)
    assert triples.removed == len(triples.removed_examples)
    assert triples.reweighted == len(triples.reweighted_examples)
    assert triples.unchanged == len(old.keys() & new.keys() - reweighted)
    totals = [sum(counts[at] for counts in triples.by_relation.values()) for at in range(3)]
    assert totals == [triples.added, triples.removed, triples.reweighted]
    names = [{name for triple in triples for name in (triple.head, triple.tail)} for triples in (before, after)]
    assert set(found.entities.added_examples) == names[1] - names[0]
    assert set(found.entities.removed_examples) == names[0] - names[1]
    relations = [{triple.relation for triple in triples} for triples in (before, after)]
    assert set(found.relations.added_examples) == relations[1] - relations[0]
    assert set(found.relations.removed_examples) == relations[0] - relations[1]
    assert found.changed == (sorted(before) != sorted(after))


def test_labels_examples_and_json(graph_of):
    old = graph_of(Triple("dog", "IsA", "animal"), Triple("cat", "IsA", "animal", 2.0), name="old")
    new = graph_of(
        Triple("dog", "IsA", "animal"), Triple("cat", "IsA", "animal", 3.0), Triple("ox", "IsA", "animal"),
        Triple("yak", "IsA", "animal"), Label("dog", "Dog", preferred=True), name="new",
    )  # fmt: skip
    found = compare_graphs(old, new, max_examples=1)
    assert found.relabelled_examples == (("dog", "dog", "Dog"),)
    assert (found.entities.added, found.entities.added_examples) == (2, ("ox",))
    document = json.loads(json.dumps(found.to_dict()))
    assert document["old"] == {"name": "old", "fingerprint": old.fingerprint}
    assert document["triples"]["added_examples"] == [["ox", "IsA", "animal", 1.0]]
    assert document["triples"]["reweighted_examples"] == [
        {"triple": ["cat", "IsA", "animal"], "old": 2.0, "new": 3.0}
    ]
    assert document["triples"]["by_relation"] == {"IsA": {"added": 2, "removed": 0, "reweighted": 1}}
    assert document["changed"]


def test_a_graph_does_not_differ_from_itself(graph_of):
    graph = graph_of(Triple("dog", "IsA", "animal"))
    found = compare_graphs(graph, graph)
    assert found.identical
    assert not found.changed
    assert found.triples.unchanged == 1
