import pytest

from kglm.kg.records import Label, Triple
from kglm.linking.alias_index import ACRONYM, EXACT, PART, AliasIndex, key
from kglm.linking.entity_catalog import EntityCatalog


@pytest.fixture(scope="module")
def catalog(graph_of):
    return EntityCatalog(
        graph_of(
            Triple("jobs", "r", "un"),
            Triple("un", "r", "school"),
            Label("jobs", "Steve Jobs", True),
            Label("jobs", "The Steve", count=3),
            Label("un", "United Nations", True),
            Label("school", "School of Law", True),
        )
    )


@pytest.fixture(scope="module")
def index(catalog):
    return AliasIndex(catalog, parts=True)


def found(index, catalog, mention):
    return {(catalog.name(hit.entity), hit.source, round(hit.share, 2), hit.count) for hit in index.find(mention)}


@pytest.mark.parametrize(
    ("mention", "expected"),
    [
        ("Steve Jobs", {("jobs", EXACT, 1.0, 0)}),
        ("steve JOBS's", {("jobs", EXACT, 1.0, 0)}),
        ("Jobs", {("jobs", PART, 0.5, 0)}),
        ("Steve", {("jobs", EXACT, 1.0, 3), ("jobs", PART, 0.5, 0)}),
        ("the United Nations", {("un", EXACT, 1.0, 0)}),
        ("UN", {("un", ACRONYM, 0.5, 0)}),
        ("U.N.", {("un", ACRONYM, 0.5, 0)}),
        ("un", set()),
        ("Law", {("school", PART, 0.5, 0)}),
        ("law", set()),  # no capital: no part of a name
        ("of", set()),
        ("schools of law", {("school", EXACT, 1.0, 0)}),
        ("", set()),
        ("!?", set()),
    ],
)
def test_spellings(index, catalog, mention, expected):
    assert found(index, catalog, mention) == expected


def test_without_parts_only_whole_aliases_count(catalog):
    index = AliasIndex(catalog, parts=False)
    assert found(index, catalog, "Jobs") == set()
    assert found(index, catalog, "Steve Jobs") == {("jobs", EXACT, 1.0, 0)}


def test_an_added_alias_is_found_whole_and_in_part(catalog):
    index = AliasIndex(catalog, parts=True)
    index.add("Woz Wozniak", [1], [2])
    assert [(hit.entity, hit.source) for hit in index.find("Wozniak")] == [(1, PART)]
    assert index.find("woz wozniak")[0].count == 2


def test_key_drops_case_articles_and_possessives():
    assert key("The Dog's Life") == "dog life"
    assert key("the") == "the"
