from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.kg import Label, Triple
from kglm.kg.relations import RelationMap
from kglm.kg.verbalization import TEMPLATES, draw_path, spell_out, verbalize_path, verbalize_triple

SHIPPED = Path(__file__).parents[2] / "graphs" / "conceptnet" / "relations.tsv"


@pytest.fixture(scope="module")
def garden(graph_of):
    return graph_of(
        Triple("trowel", "UsedFor", "gardening"),
        Triple("trowel", "RelatedTo", "gardening"),
        Triple("plant_flowers", "IsA", "gardening"),
        Label("trowel", "hand trowel", preferred=True),
    )


@pytest.mark.parametrize("relation", ["UsedFor", "usedfor", "USEDFOR"])
def test_known_relations_read_as_clauses_whatever_their_case(relation):
    assert verbalize_triple("a trowel", relation, "gardening") == "a trowel is used for gardening"


@pytest.mark.parametrize("relation", TEMPLATES)
def test_each_template_names_head_and_tail_once(relation):
    text = verbalize_triple("<head>", relation, "<tail>")
    assert text.startswith("<head> ")
    assert text.endswith(" <tail>")
    assert (text.count("<head>"), text.count("<tail>")) == (1, 1)


def test_each_relation_that_the_shipped_map_keeps_has_a_template():
    targets = {target for target, _ in RelationMap.read(SHIPPED).targets.values()} - {"-"}
    assert {target.lower() for target in targets} - set(TEMPLATES) == set()


@pytest.mark.parametrize(
    ("relation", "words"),
    [
        ("ns:placeOfBirth", "place of birth"),
        ("born_in", "born in"),
        ("http://e.org/rel#worksFor", "works for"),
        ("http://e.org/parent-of/", "parent of"),
        ("P19", "p19"),
    ],
)
def test_unknown_relations_are_spelled_out(relation, words):
    assert spell_out(relation) == words
    assert verbalize_triple("x", relation, "y") == f"x {words} y"


text = st.text(st.characters(exclude_categories=["Cs"]))


@given(text, text, text)
def test_any_text_can_be_verbalised(head, relation, tail):
    told = verbalize_triple(head, relation, tail)
    assert told.startswith(head)
    assert told.endswith(tail)


def path(graph, names):
    ids = [graph.entity_id(name) for name in names]
    return ids, [graph.relations_between(a, b) for a, b in pairwise(ids)]


def test_a_path_is_drawn_and_told_along_its_edges(garden):
    entities, relations = path(garden, ["trowel", "gardening", "plant_flowers"])
    assert draw_path(garden, entities, relations) == "hand trowel —RelatedTo/UsedFor→ gardening ←IsA— plant flowers"
    assert verbalize_path(garden, entities, relations) == (
        "hand trowel is related to gardening; plant flowers is a kind of gardening"
    )


def test_a_path_walked_backwards_tells_the_same_facts(garden):
    entities, relations = path(garden, ["plant_flowers", "gardening", "trowel"])
    assert draw_path(garden, entities, relations) == "plant flowers —IsA→ gardening ←RelatedTo/UsedFor— hand trowel"
    assert verbalize_path(garden, entities, relations) == (
        "plant flowers is a kind of gardening; hand trowel is related to gardening"
    )


def test_a_path_of_one_node_is_its_label(garden):
    entities, relations = path(garden, ["trowel"])
    assert draw_path(garden, entities, relations) == "hand trowel"
    assert verbalize_path(garden, entities, relations) == ""


def test_a_path_with_too_few_hops_is_refused(garden):
    with pytest.raises(ValueError, match="shorter"):
        draw_path(garden, [0, 1, 2], [[0]])
