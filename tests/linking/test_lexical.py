import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import ConfigError
from kglm.kg import Label, Triple
from kglm.linking import Candidate, LexicalLinker, LexicalLinkerOptions

TRIPLES = [
    Triple("dog", "IsA", "animal"),
    Triple("hot_dog", "IsA", "food"),
    Triple("hot_dog_stand", "AtLocation", "city"),
    Triple("ice_cream", "IsA", "food"),
    Triple("school_of_law", "PartOf", "university"),
    Triple("bank_of_river", "AtLocation", "river"),
    Triple("bank_for_money", "AtLocation", "city"),
    Triple("bank_for_money", "UsedFor", "money"),
    Triple("bank_for_money", "IsA", "building"),
    Triple("glasses", "UsedFor", "see"),
    Triple("glass", "MadeOf", "sand"),
    Triple("to_be", "RelatedTo", "see"),
    Triple("rock'n'roll", "IsA", "music"),
    Triple("up", "RelatedTo", "sky"),
    Triple("cheer", "IsA", "shout"),
    Triple("cheer_up", "Causes", "joy"),
    Triple("leaf", "PartOf", "tree"),
    Triple("3.5_inch_disk", "IsA", "storage"),
    Triple("u.s._army", "IsA", "force"),
]
LABELS = [
    Label("bank_of_river", "bank"),
    Label("bank_for_money", "bank"),
    Label("city", "big city"),
    # Sorts before "ice cream", which begins alike and is shorter.
    Label("building", "Ice Cream Parlour"),
]


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(*TRIPLES, *LABELS)


@pytest.fixture(scope="module")
def linker(graph):
    return LexicalLinker(graph)


@pytest.fixture(scope="module")
def named(graph, linker):
    """A function from a text to what its mentions say and the likeliest entity of each."""

    def named(text):
        return [(mention.text, graph.entities[mention.candidates[0].entity]) for mention in linker.link(text)]

    return named


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog barks.", [("dog", "dog")]),
        ("the hot dog stand", [("hot dog stand", "hot_dog_stand")]),
        ("hot dog, stand", [("hot dog", "hot_dog")]),
        ("Hot Dogs and dogs", [("Hot Dogs", "hot_dog"), ("dogs", "dog")]),
        ("hot. dog", [("dog", "dog")]),
        ("hot — dog", [("dog", "dog")]),
        ("hot, dog stand", [("dog", "dog")]),
        ("ice-cream", [("ice-cream", "ice_cream")]),
        ("the ice cream parlour", [("ice cream parlour", "building")]),
        ("ice creams", [("ice creams", "ice_cream")]),
        ("ICE  CREAM", [("ICE  CREAM", "ice_cream")]),
        ("the dog's food", [("dog", "dog"), ("food", "food")]),
        ("the dog’s food", [("dog", "dog"), ("food", "food")]),
        ("Rock’n’roll music", [("Rock’n’roll", "rock'n'roll"), ("music", "music")]),
        ("schools of the law", [("schools of the law", "school_of_law")]),
        ("school law", [("school law", "school_of_law")]),
        ("law school", []),
        ("seeing a glass", [("seeing", "see"), ("glass", "glass")]),
        ("seeing glasses", [("seeing", "see"), ("glasses", "glasses")]),
        ("to be", [("to be", "to_be")]),
        ("To be!", [("To be", "to_be")]),
        ("to be a dog", [("dog", "dog")]),
        ("cheering up a dog", [("cheering up", "cheer_up"), ("dog", "dog")]),
        ("cheer, up", [("cheer", "cheer")]),
        ("a dog went up", [("dog", "dog")]),
        ("up", [("up", "up")]),
        ("up and down", [("up", "up")]),
        ("falling leaves", [("leaves", "leaf")]),
        ("the 3.5-inch disks", [("3.5-inch disks", "3.5_inch_disk")]),
        ("in the U.S. army", [("U.S. army", "u.s._army")]),
        ("us army", []),
        ("in the", []),
        ("", []),
    ],
)
def test_mentions_of_a_text(named, text, expected):
    assert named(text) == expected


def test_a_form_that_several_entities_bear_has_them_all_by_their_number_of_links(graph):
    linker = LexicalLinker(graph, LexicalLinkerOptions(max_candidates=5))
    (mention,) = linker.link("at the banks")
    money, river = graph.entity_id("bank_for_money"), graph.entity_id("bank_of_river")
    assert mention.candidates == (Candidate(money, pytest.approx(4 / 6)), Candidate(river, pytest.approx(2 / 6)))


def test_candidates_that_are_cut_off_keep_their_share(graph, linker):
    (mention,) = linker.link("bank")
    assert mention.candidates == (Candidate(graph.entity_id("bank_for_money"), pytest.approx(4 / 6)),)


def test_entities_of_a_text_stand_once_in_the_order_of_their_mention(graph, linker):
    found = linker.entities("A dog, a hot dog and dogs in the big city")
    assert [graph.entities[entity] for entity in found] == ["dog", "hot_dog", "city"]


def test_forms_of_too_many_words_are_left_out(graph):
    linker = LexicalLinker(graph, LexicalLinkerOptions(max_words=2))
    (mention,) = linker.link("hot dog stand")
    assert mention.text == "hot dog"


def test_a_form_that_is_added_is_found_from_then_on(graph):
    linker = LexicalLinker(graph)
    assert linker.entities("two wugs and a pooch") == []
    linker.add("wug", graph.entity_id("dog"))
    linker.add("pooch", graph.entity_id("dog"))
    linker.add("pooch", graph.entity_id("animal"), count=9)
    assert [(m.text, graph.entities[m.candidates[0].entity]) for m in linker.link("two wugs and a pooch")] == [
        ("wugs", "dog"),
        ("pooch", "animal"),
    ]


@pytest.mark.parametrize("field", ["max_candidates", "max_words"])
def test_options_are_validated_and_in_the_cache_key(field):
    with pytest.raises(ConfigError, match=f"linker {field} is 0, expected at least 1"):
        LexicalLinkerOptions(**{field: 0})
    assert LexicalLinkerOptions(**{field: 3}).cache_key() != LexicalLinkerOptions().cache_key()


vocabulary = sorted({word for triple in TRIPLES for name in (triple.head, triple.tail) for word in name.split("_")})
pieces = st.one_of(
    st.sampled_from([*vocabulary, "banks", "dogs'", "stands", "the", "of", "Bank's", "DOG’S"]),
    st.sampled_from([" ", " ", "-", "_", ", ", ". ", "\n", "\u00a0", "\u0301", "İ", "ß"]),
    st.text(max_size=3),
)
texts = st.one_of(st.text(), st.lists(pieces, max_size=12).map("".join), st.lists(pieces, max_size=9).map(" ".join))


@given(texts)
def test_whatever_the_text_mentions_lie_in_it_in_order(graph, linker, text):
    end = 0
    for mention in linker.link(text):
        assert end <= mention.start < mention.end <= len(text)
        assert text[mention.start : mention.end] == mention.text
        assert mention.candidates
        assert 0 < sum(candidate.probability for candidate in mention.candidates) <= 1
        assert all(0 <= candidate.entity < graph.num_entities for candidate in mention.candidates)
        assert not set(";!?()") & set(mention.text)
        end = mention.end


@given(st.lists(texts, max_size=4))
def test_the_result_is_the_same_again_and_text_by_text(graph, linker, some):
    assert linker(some) == [linker.link(text) for text in some]
    assert LexicalLinker(graph)(some) == linker(some)


@pytest.mark.data
def test_labels_of_conceptnet_are_linked_to_a_bearer(conceptnet):
    """A label found whole in a text of itself leads to an entity that has it, or to one of the same words."""
    linker = LexicalLinker(conceptnet, LexicalLinkerOptions(max_candidates=1000))
    whole = 0
    chosen = range(0, conceptnet.num_entities, 50)
    for entity in chosen:
        mentions = linker.link(conceptnet.labels[entity])
        whole += any(entity == candidate.entity for mention in mentions for candidate in mention.candidates)
    assert whole / len(chosen) > 0.95
