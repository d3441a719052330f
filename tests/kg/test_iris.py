import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyoxigraph import NamedNode

from kglm.errors import ConfigError
from kglm.kg.iris import BASE, RDF, RDFS, Namespaces, is_iri, mint, minted_name

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
STARTS = [
    "",
    "rdf:",
    "rdfs:",
    "wd:",
    "kglm:",
    RDF,
    RDFS,
    "urn:kglm:",
    BASE,
    "http://a.example/",
    "HTTP://a",
    "urn:",
    "x:",
]
NAMES = st.builds(str.__add__, st.sampled_from(STARTS), TEXT)


@given(TEXT)
@example("")
@example("a%20b")
def test_a_minted_name_comes_back_and_its_iri_is_valid(name):
    iri = mint(name)
    assert minted_name(iri) == name
    assert NamedNode(iri).value == iri


@given(st.sets(NAMES, max_size=8), st.sets(NAMES, max_size=4))
@example({"rdf:Statement", f"{RDF}Statement", "rdf:type"}, {f"{RDF}type"})
def test_every_name_has_its_own_valid_iri_and_comes_back(entities, relations):
    namespaces = Namespaces.of(sorted(entities), relations)
    iris = {name: namespaces.iri(name) for name in entities | relations}
    assert {name: namespaces.name(iri) for name, iri in iris.items()} == {name: name for name in iris}
    assert [NamedNode(iri).value for iri in iris.values()] == list(iris.values())


@pytest.mark.parametrize(
    ("name", "iri"),
    [
        ("trowel", "urn:kglm:name:trowel"),
        ("plant flowers", "urn:kglm:name:plant%20flowers"),
        ("~a", "urn:kglm:name:%7Ea"),
        ("/c/en/dog", "urn:kglm:name:%2Fc%2Fen%2Fdog"),
        ("größe", "urn:kglm:name:größe"),
        ("dog.n.01", "urn:kglm:name:dog.n.01"),
        ("wd:Q42", "http://www.wikidata.org/entity/Q42"),
        ("wd:Q 42", "urn:kglm:name:wd:Q%2042"),
        ("unknown:Q42", "urn:kglm:name:unknown:Q42"),
        ("http://a.example/x", "http://a.example/x"),
        ("http://a.example/x y", "urn:kglm:name:http:%2F%2Fa.example%2Fx%20y"),
        ("urn:kglm:name:trowel", "urn:kglm:name:urn:kglm:name:trowel"),
        ("rdf:Statement", "urn:kglm:name:rdf:Statement"),
    ],
)
def test_the_rules_one_by_one(name, iri):
    assert Namespaces.of(sorted([name]), []).iri(name) == iri


def test_a_namespace_used_only_in_full_keeps_its_iris_and_loses_its_prefix():
    namespaces = Namespaces.of([f"{RDFS}label"], ["IsA"])
    assert "rdfs" not in namespaces.prefixes
    assert namespaces.iri(f"{RDFS}label") == f"{RDFS}label"


def test_where_both_forms_occur_the_full_one_is_minted():
    namespaces = Namespaces.of([f"{RDFS}label", "rdfs:label"], [])
    assert namespaces.iri("rdfs:label") == f"{RDFS}label"
    assert namespaces.iri(f"{RDFS}label") == mint(f"{RDFS}label")


def test_given_prefixes_are_used():
    namespaces = Namespaces.of(["schema:Person"], [], {"schema": "http://schema.org/"})
    assert namespaces.iri("schema:Person") == "http://schema.org/Person"


@pytest.mark.parametrize(
    "prefixes", [{"a b": "http://a.example/"}, {"": "http://a.example/"}, {"a": "no iri"}, {"a": BASE}]
)
def test_a_prefix_that_is_not_allowed_is_named(prefixes):
    with pytest.raises(ConfigError, match="expected"):
        Namespaces.of([], [], prefixes)


def test_an_iri_that_decodes_to_no_text_is_no_minted_name():
    assert minted_name(f"{BASE}%FF") is None
    assert not is_iri("http://a b")
