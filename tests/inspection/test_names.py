import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import UnknownNameError
from kglm.inspection.names import (
    AmbiguousNameError,
    aliases,
    find_entities,
    names_starting,
    resolve_entity,
    search_names,
    suggestions,
)
from kglm.kg import Label, Triple
from kglm.kg.records import Description

ENTITIES = ["bank", "bank_river", "trowel", "plant_flower", "Q42", "zürich", "garden"]


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(
        *(Triple(name, "IsA", "thing") for name in ENTITIES),
        Triple("trowel", "UsedFor", "garden"),
        Triple("bank", "AtLocation", "zürich"),
        Label("bank", "bank", preferred=True),
        Label("bank_river", "river bank", preferred=True),
        Label("bank_river", "shore"),
        Label("bank_river", "bank of a river"),
        Label("bank", "shore"),
        Label("trowel", "trowels"),
        Label("plant_flower", "plant flowers", preferred=True),
        Label("Q42", "Douglas Adams", preferred=True),
        Label("Q42", "DNA"),
        Label("garden", "yard", preferred=True),
        Label("trowel", "yard"),
    )


def names(graph, entities):
    return [graph.entities[entity] for entity in entities]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("trowel", ["trowel"]),  # a name
        ("Trowel", ["trowel"]),  # the case does not matter
        ("plant flower", ["plant_flower"]),  # a blank for an underscore
        ("Plant_Flowers", ["plant_flower"]),  # and the other way round, in a label
        ("dna", ["Q42"]),  # an alias
        ("douglas adams", ["Q42"]),
        ("ZÜRICH", ["zürich"]),
        ("shore", ["bank", "bank_river"]),  # an alias of two
        ("nothing", []),
        ("", []),
    ],
)
def test_find_entities(graph, text, found):
    assert names(graph, find_entities(graph, text)) == found


def test_a_label_comes_before_an_alias(graph):
    assert graph.entities[resolve_entity(graph, "yard")] == "garden"


def test_several_entities_are_listed(graph):
    with pytest.raises(AmbiguousNameError) as caught:
        resolve_entity(graph, "shore")
    message = str(caught.value)
    assert message.startswith(
        "'shore' may be any of 2 entities; name one of them:\n  bank\n  bank_river (river bank)"
    )


def test_the_commonest_meaning_is_listed_first_and_long_descriptions_are_cut(graph_of):
    graph = graph_of(
        *(Triple("sausage", "r", str(number)) for number in range(3)), Triple("animal", "r", "0"),
        Label("sausage", "dog", count=2), Label("animal", "dog", count=9), Description("animal", "barks " * 30),
    )  # fmt: skip
    with pytest.raises(AmbiguousNameError) as caught:
        resolve_entity(graph, "dog")
    first, second = str(caught.value).splitlines()[1:]
    assert first.startswith("  animal - barks barks")
    assert first.endswith(" ...")
    assert len(first) < 90
    assert second == "  sausage"


def test_an_unknown_one_is_not_found_but_the_nearest_are_named(graph):
    with pytest.raises(UnknownNameError, match=r"unknown entity 'trowl'; did you mean 'trowel'"):
        resolve_entity(graph, "trowl")
    with pytest.raises(UnknownNameError, match=r"unknown entity '  ' \(8 known\)"):
        resolve_entity(graph, "  ")
    assert suggestions(graph, "duglas adms") == ["Douglas Adams"]


def found(graph, *arguments):
    result = search_names(graph, *arguments)
    assert result.total >= len(result.matches)
    return [(match.name, match.form, match.kind) for match in result.matches]


def test_prefix_search_knows_names_labels_and_aliases(graph):
    assert found(graph, "ban", "prefix") == [("bank", "bank", "label"), ("bank_river", "bank of a river", "alias")]
    assert found(graph, "q4", "prefix") == [("Q42", "Q42", "name")]
    assert found(graph, "xyz", "prefix") == []


def test_those_called_exactly_so_come_first_then_the_most_joined(graph):
    matches = search_names(graph, "bank", "substring").matches
    assert [(match.name, match.degree) for match in matches] == [("bank", 2), ("bank_river", 1)]
    degrees = [match.degree for match in search_names(graph, "r", "substring").matches]
    assert degrees == sorted(degrees, reverse=True)
    assert degrees[0] > degrees[-1]


def test_substring_search_looks_anywhere(graph):
    assert {name for name, _, _ in found(graph, "RIVER", "substring")} == {"bank_river"}
    assert found(graph, "adam", "substring") == [("Q42", "Douglas Adams", "label")]


def test_fuzzy_search_allows_slips(graph):
    assert found(graph, "gadren", "fuzzy")[0][0] == "garden"
    assert found(graph, "trowle", "fuzzy") == [("trowel", "trowel", "label")]
    assert found(graph, "xxxxxxxx", "fuzzy") == []


def test_a_limit_does_not_change_the_total(graph):
    assert (
        len(search_names(graph, "a", "substring", 1).matches),
        search_names(graph, "a", "substring", 1).total,
    ) == (
        1,
        search_names(graph, "a", "substring", 100).total,
    )


@pytest.mark.parametrize(("query", "mode"), [(" ", "prefix"), ("a", "regex")])
def test_search_refuses(graph, query, mode):
    with pytest.raises(ValueError, match=r"the query is blank|mode 'regex' is not allowed; allowed: prefix"):
        search_names(graph, query, mode)


@pytest.mark.parametrize("mode", ["prefix", "substring", "fuzzy"])
def test_bytes_that_are_no_text_find_nothing(graph, mode):
    assert found(graph, "a\udcff", mode) == []
    assert find_entities(graph, "\udcff") == []
    assert names_starting(graph, "\udcff") == []


def test_aliases_are_the_other_forms(graph):
    assert aliases(graph, graph.entity_id("bank_river")) == ["bank of a river", "shore"]
    assert aliases(graph, graph.entity_id("zürich")) == []


def test_completion_proposes_what_may_be_typed(graph):
    assert names_starting(graph, "tro") == ["trowel", "trowels"]
    assert names_starting(graph, "Pla") == ["plant flowers", "plant_flower"]
    assert names_starting(graph, "doug") == ["Douglas Adams"]
    assert len(names_starting(graph, "", 3)) == 3


TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=4).filter(str.strip)


@settings(max_examples=20)
@given(st.lists(TEXT, min_size=1, max_size=8, unique=True), TEXT)
def test_search_finds_what_a_scan_finds(graph_of, entities, query):
    graph = graph_of(*(Triple(name, "r", name) for name in entities))
    forms = [(name, name.replace("_", " ")) for name in sorted(entities)]
    prefix, substring = (search_names(graph, query, mode, 100) for mode in ("prefix", "substring"))
    # Other cases than the one typed may come on top, so the scan gives a lower bound.
    assert {pair[0] for pair in forms if any(form.startswith(query) for form in pair)} <= names_of(prefix)
    assert {pair[0] for pair in forms if any(query in form for form in pair)} <= names_of(substring)
    for result in (prefix, substring):
        assert result.total == len(result.matches) == len(names_of(result))


def names_of(result):
    return {match.name for match in result.matches}
