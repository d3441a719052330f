import pytest

from kglm.embeddings.entity_texts import entity_texts
from kglm.errors import UnknownNameError
from kglm.kg.records import Description, Label, Triple


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(
        Triple("t", "UsedFor", "dig", 2.0),
        Triple("t", "AtLocation", "shed", 3.0),
        Triple("spade", "RelatedTo", "t", 2.0),
        Triple("t", "HasA", "blade", 1.0),
        Label("t", "trowel", preferred=True),
        Description("t", "a small spade"),
    )


@pytest.mark.parametrize(
    ("content", "trowel", "blade"),
    [
        ("label", "trowel", "blade"),
        ("description", "trowel: a small spade", "blade"),
        (
            "neighborhood",
            "trowel: a small spade. trowel is found at shed; trowel is used for dig; spade is related to trowel",
            "blade. trowel has blade",
        ),
    ],
)
def test_a_text_for_every_entity_in_the_order_of_the_ids(graph, content, trowel, blade):
    texts = list(entity_texts(graph, content, max_facts=3))
    assert len(texts) == graph.num_entities
    assert texts[graph.entity_id("t")] == trowel
    assert texts[graph.entity_id("blade")] == blade


def test_of_an_entity_known_by_an_identifier_only_the_facts_are_told(graph_of):
    graph = graph_of(Triple("Q42", "IsA", "author"), Triple("book", "CreatedBy", "Q42"), Triple("Q7", "IsA", "B2B"))
    texts = dict(zip(graph.entities, entity_texts(graph, "neighborhood"), strict=True))
    assert texts["Q42"] == "it is a kind of author; book is created by it"
    assert texts["B2B"] == "B2B. Q7 is a kind of B2B"


def test_another_content_is_refused(graph):
    with pytest.raises(UnknownNameError, match="unknown content 'labels'; did you mean 'label'"):
        entity_texts(graph, "labels")
