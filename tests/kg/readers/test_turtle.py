import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import SKOS

from kglm.errors import DataError
from kglm.kg.readers import read_records
from kglm.kg.records import Label, Triple
from kglm.kg.tally import Tally

PREFIXES = """
@prefix : <http://e.org/> .
@prefix ns: <http://e.org/deep/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <http://schema.org/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""


@pytest.fixture
def read(tmp_path):
    def read(text, name="x.ttl"):
        (tmp_path / name).write_text(PREFIXES + text, encoding="utf-8")
        return list(read_records(tmp_path / name, Tally()))

    return read


def test_triples_and_labels(read):
    text = """
    :trowel :UsedFor :plant_flowers ; rdfs:label "trowel" ; skos:altLabel "hand trowel"@en, "garden trowel" .
    :plant_flowers skos:prefLabel "plant flowers" ; :IsA :gardening .
    """
    assert set(read(text)) == {
        Triple("trowel", "UsedFor", "plant_flowers"),
        Triple("plant_flowers", "IsA", "gardening"),
        Label("trowel", "trowel", preferred=True),
        Label("trowel", "hand trowel"),
        Label("trowel", "garden trowel"),
        Label("plant_flowers", "plant flowers", preferred=True),
    }


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (":bee", "bee"),
        (":3d_printer", "3d_printer"),
        (":1984", "1984"),
        ("<http://e.org/a/b>", "a/b"),
        ("ns:bee", "ns:bee"),
        ("<http://e.org/deep/bee>", "ns:bee"),
        ("<http://e.org/deep/>", "deep/"),
        ("<http://e.org/>", "http://e.org/"),
        ("schema:Person", "schema:Person"),
        ("<https://schema.org/Person>", "https://schema.org/Person"),
        ("<http://elsewhere.org/x#y>", "http://elsewhere.org/x#y"),
        ("<urn:isbn:1>", "urn:isbn:1"),
        ("<relative>", "file:///relative"),
        ("a", "rdf:type"),
    ],
)
def test_a_resource_is_named_by_the_longest_prefix_of_the_file(read, written, name):
    assert read(f":s {written} :o .") == [Triple("s", name, "o")]


def test_reified_statements_give_weights_and_nothing_else(read):
    text = """
    :a :r :b , :c , :d .
    [] a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :b ; :weight 2.5 .
    :named a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :c ; ns:weight "3"^^<urn:odd> ; :by :me .
    [] a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :c ; :weight 4 .
    [] a rdf:Statement ; rdf:subject :x ; rdf:predicate :r ; rdf:object :y ; :lightweight 9 .
    """
    assert set(read(text)) == {Triple("a", "r", "b", 2.5), Triple("a", "r", "c", 4.0), Triple("a", "r", "d", 1.0)}


@pytest.mark.parametrize(
    "triple", ["rdf:subject :b ; rdf:predicate :r ; rdf:object :a", "rdf:subject :a ; rdf:predicate :r"]
)
def test_a_weight_of_a_triple_that_is_not_stated_is_refused(read, triple):
    with pytest.raises(DataError, match=r"x.ttl: a weight is given to .*, which is not stated"):
        read(f":a :r :b . [] a rdf:Statement ; {triple} ; :weight 2 .")


@pytest.mark.parametrize(
    "weight", ["0", "-1", '"heavy"', ":b", '"NaN"^^<http://www.w3.org/2001/XMLSchema#double>', "1" + "0" * 400]
)
def test_a_weight_that_is_no_positive_number_is_refused(read, weight):
    statement = "[] a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :b"
    with pytest.raises(DataError, match=r"x.ttl: weight '.*', expected a positive number"):
        read(f":a :r :b . {statement} ; :weight {weight} .")


def test_blank_nodes_and_other_literals_are_left_out(read):
    text = ':a :r [ :s :b ] , (1 2) ; :height 3 ; :note "a note" . [] :r :a . _:x rdfs:label "nobody" . :a :r :b .'
    assert read(text) == [Triple("a", "r", "b")]


def test_a_folder_is_read_as_one_graph(tmp_path):
    (tmp_path / "a.ttl").write_text(PREFIXES + ":a :r :b .")
    (tmp_path / "b.ttl").write_text(
        PREFIXES + "[] a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :b ; :weight 3 . :b :r :c ."
    )
    (tmp_path / "notes.md").write_text("not Turtle")
    assert set(read_records(tmp_path, Tally())) == {Triple("a", "r", "b", 3.0), Triple("b", "r", "c")}


def test_a_prefix_that_two_files_use_otherwise_keeps_their_names_apart(tmp_path):
    (tmp_path / "a.ttl").write_text("@prefix n: <http://one/> . n:x n:r n:y .")
    (tmp_path / "b.ttl").write_text("@prefix n: <http://two/> . n:x n:r n:y .")
    records = list(read_records(tmp_path, Tally()))
    assert len({record.head for record in records}) == len({record.relation for record in records}) == 2


def test_the_names_do_not_depend_on_where_the_file_lies(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.ttl").write_text("<a> <r> <b> . <a> <#r> <> .")
    first, second = (list(read_records(tmp_path / folder, Tally())) for folder in ("one", "two"))
    assert first == second != []


def test_a_folder_without_turtle_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"the folder '.*' holds no Turtle file \(\*.ttl\)"):
        list(read_records(tmp_path, Tally()))


def test_a_syntax_error_is_named_with_its_line(tmp_path):
    (tmp_path / "x.ttl").write_text("@prefix : <http://e.org/> .\n:a :b :c .\n:a :b ] .\n")
    with pytest.raises(DataError, match=r"x.ttl:3: not Turtle: "):
        list(read_records(tmp_path / "x.ttl", Tally()))


@pytest.mark.parametrize(
    "text", ["@prefix", "@prefix : <http://e/> . :a :r ?x .", '@prefix : <http://e/> . :a :r """ .']
)
def test_text_over_which_the_parser_stumbles_is_no_turtle(tmp_path, text):
    (tmp_path / "x.ttl").write_text(text)
    with pytest.raises(DataError, match=r"x.ttl.*: not Turtle"):
        list(read_records(tmp_path / "x.ttl", Tally()))


def test_bytes_that_are_not_utf8_are_refused(tmp_path):
    (tmp_path / "x.ttl").write_bytes(b"# \xff\n")
    with pytest.raises(DataError, match=r"x.ttl: not UTF-8 text"):
        list(read_records(tmp_path / "x.ttl", Tally()))


local = st.text(st.sampled_from("abcXYZ_019é"), min_size=1, max_size=6)
literal = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@given(st.sets(st.tuples(local, local, local), max_size=6), st.dictionaries(local, literal, max_size=4))
def test_valid_graphs_round_trip(tmp_path_factory, triples, labels):
    path = tmp_path_factory.getbasetemp() / "valid.ttl"
    graph = Graph()
    graph.bind("", "http://e.org/")
    for triple in triples:
        graph.add(tuple(URIRef(f"http://e.org/{name}") for name in triple))
    for name, text in labels.items():
        graph.add((URIRef(f"http://e.org/{name}"), SKOS.prefLabel, Literal(text)))
    path.write_bytes(graph.serialize(format="turtle", encoding="utf-8"))
    records = list(read_records(path, Tally()))
    assert len(records) == len(set(records)) == len(triples) + len(labels)
    expected = {Triple(*triple) for triple in triples} | {Label(*item, preferred=True) for item in labels.items()}
    # Where no name stands under the empty prefix, the serialiser leaves the prefix away.
    assert {type(r)(r[0].removeprefix("http://e.org/"), *r[1:]) for r in records} == expected
