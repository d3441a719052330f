"""RDF in all syntaxes; what a graph says is compared with rdflib's parse of the same document."""

import bz2
import gzip
import random

import pyoxigraph
import pytest
import rdflib
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import RdfFormat
from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import RDFS, SKOS

from kglm.errors import ConfigError, DataError, UnknownNameError
from kglm.kg.readers.batches import one_by_one
from kglm.kg.readers.rdf import read_rdf, read_turtle
from kglm.kg.readers.rdf_syntax import SYNTAXES
from kglm.kg.records import Description, Label, Triple
from kglm.kg.tally import Tally

PREFIXES = """
@prefix : <http://e.org/> .
@prefix ns: <http://e.org/deep/> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <http://schema.org/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
"""
STATEMENT = "[] a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :b"


def records_of(path, tally=None, **options):
    tally = tally or Tally()
    records = list(one_by_one(read_rdf(path, tally, **options)))
    tally.require_settled()
    return records


@pytest.fixture
def read(tmp_path):
    def read(text, name="x.ttl", tally=None, **options):
        (tmp_path / name).write_text(PREFIXES + text, encoding="utf-8")
        return records_of(tmp_path / name, tally, **options)

    return read


def test_triples_and_labels(read):
    text = """
    :trowel :UsedFor :plant_flowers ; rdfs:label "trowel" ; skos:altLabel "hand trowel"@en, "garden trowel" .
    :plant_flowers skos:prefLabel "plant flowers" ; :IsA :gardening .
    """
    records = read(text)
    assert len(records) == 6
    assert set(records) == {
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
        ("<http://www.wikidata.org/entity/Q42>", "wd:Q42"),
        ("<urn:kglm:name:plant%20flowers>", "plant flowers"),
        ("<urn:kglm:name:>", "kglm:name:"),
    ],
)
def test_a_resource_is_named_by_the_longest_prefix(read, written, name):
    assert read(f":s {written} :o .") == [Triple("s", name, "o")]


def test_other_prefixes_than_the_well_known_ones_can_be_in_force(read):
    text = "<http://x.org/a> <http://www.wikidata.org/entity/Q42> <http://e.org/b> ."
    assert read(text, prefixes={"x": "http://x.org/", "": "http://no.org/"}) == [
        Triple("x:a", "http://www.wikidata.org/entity/Q42", "b")
    ]


def test_a_prefix_that_is_declared_late_counts_from_the_first_triple(read):
    late = ":a :r <http://late.org/x> . @prefix l: <http://late.org/> . l:x :r l:y ."
    assert read(late) == [Triple("a", "r", "l:x"), Triple("l:x", "r", "l:y")]


def test_of_two_prefixes_for_a_namespace_the_shorter_and_of_two_meanings_the_first_is_taken(read):
    text = """@prefix long: <http://same.org/> . @prefix s: <http://same.org/> . @prefix t: <http://same.org/> .
    @prefix twice: <http://one.org/> . twice:x :r long:y . @prefix twice: <http://two.org/> . twice:x :r t:y ."""
    assert read(text) == [Triple("twice:x", "r", "s:y"), Triple("http://two.org/x", "r", "s:y")]


def test_reified_statements_give_weights_and_nothing_else(read):
    text = """
    :a :r :b , :c , :d .
    [] a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :b ; :weight 2.5 .
    :named a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :c ; ns:weight "3"^^<urn:odd> ; :by :me .
    [] a rdf:Statement ; rdf:subject :a ; rdf:predicate :r ; rdf:object :c ; :weight 4 ; :by [ :name "x" ] .
    [] a rdf:Statement ; rdf:subject :x ; rdf:predicate :r ; rdf:object :y ; :lightweight 9 .
    """
    weighted = {Triple("a", "r", "b", 2.5), Triple("a", "r", "c", 4.0), Triple("a", "r", "d", 1.0)}
    assert set(read(text, tally=(tally := Tally()))) == weighted
    assert tally.skipped == {"statement about a triple": 22, "blank node": 1}
    assert set(read(text, blank_nodes="keep")) == weighted  # the name of the blank node is an attribute


@pytest.mark.parametrize(
    "text",
    [
        ":a :r :b {| :weight 2.5 ; :by :me |} .",
        ":a :r :b . << :a :r :b >> :weight 2.5 .",
        ":a :r :b ~ :id . :id :weight 2.5 .",
        ":a :r :b . [] rdf:reifies <<( :a :r :b )>> ; :weight 2.5 .",
    ],
)
def test_annotations_of_rdf_1_2_give_weights(read, text):
    assert read(text) == [Triple("a", "r", "b", 2.5)]


def test_a_statement_tells_the_source(read):
    text = f""":a :r :b . @prefix dc: <http://purl.org/dc/terms/> .
    {STATEMENT} ; dc:source "verbosity" . {STATEMENT} ; dc:source :Wiki, "verbosity", [] ; :weight 2 ."""
    assert read(text) == [Triple("a", "r", "b", 2.0, "Wiki; verbosity")]


@pytest.mark.parametrize(
    "triple", ["rdf:subject :b ; rdf:predicate :r ; rdf:object :a", "rdf:subject :a ; rdf:predicate :r"]
)
def test_a_weight_of_a_triple_that_is_not_stated_is_refused(read, triple):
    with pytest.raises(DataError, match=r"x.ttl: a weight is given to .*, which is not stated"):
        read(f":a :r :b . [] a rdf:Statement ; {triple} ; :weight 2 .")


@pytest.mark.parametrize(
    "weight",
    ["0", "-1", '"heavy"', ":b", '"NaN"^^<http://www.w3.org/2001/XMLSchema#double>', "1" + "0" * 400, '"1_0"'],
)
def test_a_weight_that_is_no_positive_number_is_refused(read, weight):
    with pytest.raises(DataError, match=r"x.ttl: weight '.*', expected a positive number"):
        read(f":a :r :b . {STATEMENT} ; :weight {weight} .")


@pytest.mark.parametrize("spelt", [r"<http://www.w3.org/1999/02/22-rdf-syntax-ns#\u0053tatement>", "half:atement"])
def test_statements_that_cannot_be_found_are_refused(read, spelt):
    half = "@prefix half: <http://www.w3.org/1999/02/22-rdf-syntax-ns#St> ."
    with pytest.raises(DataError, match="write the name whole"):
        read(f"{half} :a :r :b . [] a {spelt} ; rdf:subject :a ; rdf:predicate :r ; rdf:object :b ; :weight 2 .")


def test_triple_terms_that_cannot_be_found_are_refused(tmp_path):
    (tmp_path / "x.nt").write_text(
        r"_:b <http://www.w3.org/1999/02/22-rdf-syntax-ns#\u0072eifies> <<( <u:a> <u:r> <u:b> )>> ."
    )
    with pytest.raises(DataError, match="write it whole"):
        records_of(tmp_path / "x.nt")


BLANK = ':a :r [ :s :b ] , (1 2) ; :height 3 ; :note "a note" . [] :r :a . _:x rdfs:label "nobody" . :a :r :b , _:x .'


def test_blank_nodes_and_other_literals_are_skipped_and_counted(read):
    assert read(BLANK, tally=(tally := Tally())) == [Triple("a", "r", "b")]
    assert tally.skipped == {"blank node": 10, "literal attribute": 2}


def test_blank_nodes_are_kept_under_names_that_do_not_change(read):
    first = read(BLANK, blank_nodes="keep")
    assert first == read(BLANK, blank_nodes="keep")
    assert {("a", "r", "_:x"), ("_:[1]", "s", "b"), ("a", "r", "_:[1]"), ("_:[4]", "r", "a")} <= {
        r[:3] for r in first
    }
    assert Label("_:x", "nobody", preferred=True) in first


def test_the_blank_nodes_of_two_files_are_two(tmp_path):
    for name in ("a.ttl", "b.ttl"):
        (tmp_path / name).write_text("@prefix : <http://e.org/> . _:x :r [] .")
    assert records_of(tmp_path, blank_nodes="keep") == [
        Triple("_:a.ttl/x", "r", "_:a.ttl/[1]"),
        Triple("_:b.ttl/x", "r", "_:b.ttl/[1]"),
    ]


LANGUAGES = """:a :r :b .
:a rdfs:label "Hund"@de, "chien"@fr, "dog"@en, "hound"@en-GB, "Canis" ; skos:altLabel "doggy"@en, "pup", "Köter"@de .
:b rdfs:label "Katze"@de, "chat"@fr . :c schema:name "bird" . :d <https://schema.org/name> "fish" ; rdfs:label "" .
:c rdfs:comment "sings"@en, "it sings"@en ; skos:definition "singt"@de . :d schema:description "swims" .
:d rdfs:comment "schwimmt"@de ."""


def test_the_language_wanted_goes_first_then_untagged_texts(read):
    tally = Tally()
    records = set(read(LANGUAGES, tally=tally)) - {Triple("a", "r", "b")}
    assert records == {
        Label("a", "dog", preferred=True),
        Label("a", "hound"),
        Label("a", "Canis"),
        Label("a", "doggy"),
        Label("a", "pup"),
        Label("b", "Katze", preferred=True),
        Label("c", "bird", preferred=True),
        Label("d", "fish", preferred=True),
        Description("c", "it sings"),
        Description("d", "swims"),
    }
    assert tally.skipped == {"text in another language": 6, "further description": 1, "empty text": 1}


def test_all_other_languages_come_as_aliases_when_asked_for(read):
    records = set(read(LANGUAGES, language="fr", other_languages=True))
    assert {
        Label("a", "chien", preferred=True),
        Label("a", "Hund"),
        Label("a", "Köter"),
        Label("a", "Canis"),
    } <= records
    assert {Label("b", "chat", preferred=True), Label("b", "Katze"), Description("c", "singt")} <= records
    assert sum(isinstance(record, Label) and record.preferred for record in records) == 4


def test_without_a_language_all_are_alike(read):
    records = set(read(LANGUAGES, language=None))
    assert {Label("a", "Canis", preferred=True), Label("a", "dog"), Label("a", "Hund")} <= records


def test_the_order_of_triples_does_not_matter(tmp_path, read):
    text = LANGUAGES + f"{STATEMENT} ; :weight 2 . :x :r :y ; rdfs:label 'x', 'X' ."
    expected = set(read(text))
    lines = pyoxigraph.serialize(
        pyoxigraph.parse((PREFIXES + text).encode(), RdfFormat.TURTLE), format=RdfFormat.N_TRIPLES
    ).splitlines()
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        (tmp_path / "x.nt").write_bytes(b"\n".join(lines))
        assert set(records_of(tmp_path / "x.nt", prefixes={"": "http://e.org/"})) == expected


def test_a_folder_is_read_as_one_graph(tmp_path):
    (tmp_path / "a.ttl").write_text(PREFIXES + ":a :r :b .")
    (tmp_path / "b.ttl").write_text(PREFIXES + f"{STATEMENT} ; :weight 3 . :b :r :c .")
    (tmp_path / "c.nt.gz").write_bytes(gzip.compress(b"<http://e.org/c> <http://e.org/r> <http://e.org/d> ."))
    (tmp_path / "notes.md").write_text("not RDF")
    expected = {Triple("a", "r", "b", 3.0), Triple("b", "r", "c")}
    assert set(one_by_one(read_turtle(tmp_path, Tally()))) == expected
    assert set(records_of(tmp_path)) == expected | {Triple("c", "r", "d")}


def test_a_prefix_that_two_files_use_otherwise_keeps_their_names_apart(tmp_path):
    (tmp_path / "a.ttl").write_text("@prefix n: <http://one/> . n:x n:r n:y .")
    (tmp_path / "b.ttl").write_text("@prefix n: <http://two/> . n:x n:r n:y .")
    records = records_of(tmp_path)
    assert len({record.head for record in records}) == len({record.relation for record in records}) == 2


def test_the_names_do_not_depend_on_where_the_file_lies(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.ttl").write_text("<a> <r> <b> . <a> <#r> <> .")
    assert records_of(tmp_path / "one") == records_of(tmp_path / "two") != []


def test_a_folder_without_rdf_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"the folder '.*' holds no RDF file \(\*.ttl, "):
        records_of(tmp_path)
    with pytest.raises(DataError, match=r"the folder '.*' holds no Turtle file \(\*.ttl, \*.turtle; "):
        list(read_turtle(tmp_path, Tally()))


# The same three triples and a label in each syntax.
DOCUMENTS = {
    "turtle": PREFIXES + ':a :r :b , ns:c ; rdfs:label "A"@en .',
    "ntriples": """# a remark

<http://e.org/a> <http://e.org/r> <http://e.org/b> .
<http://e.org/a> <http://e.org/r> <http://e.org/deep/c> . # another
<http://e.org/a> <http://www.w3.org/2000/01/rdf-schema#label> "A"@en .
""",
    "nquads": """<http://e.org/a> <http://e.org/r> <http://e.org/b> .
<http://e.org/a> <http://e.org/r> <http://e.org/deep/c> .
<http://e.org/a> <http://www.w3.org/2000/01/rdf-schema#label> "A"@en <http://e.org/g> .
""",
    "trig": PREFIXES + ':a :r :b , ns:c . :g { :a rdfs:label "A"@en }',
    "rdfxml": """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://e.org/">
  <rdf:Description rdf:about="http://e.org/a">
    <r rdf:resource="http://e.org/b"/>
    <r xmlns:ns="http://e.org/deep/" rdf:resource="http://e.org/deep/c"/>
    <label xmlns="http://www.w3.org/2000/01/rdf-schema#" xml:lang="en">A</label>
  </rdf:Description>
</rdf:RDF>
""",
    "jsonld": """{"@context": {"e": "http://e.org/", "ns": "http://e.org/deep/",
                  "label": {"@id": "http://www.w3.org/2000/01/rdf-schema#label", "@language": "en"}},
     "@id": "e:a", "e:r": [{"@id": "e:b"}, {"@id": "ns:c"}], "label": "A"}""",
    "n3": PREFIXES + ':a :r :b , ns:c ; rdfs:label "A"@en . { :a :r ?x } => { ?x :s :a } . :a :says { :x :r :y } .',
}
SHORT = {"": "http://e.org/", "ns": "http://e.org/deep/"}
EXPECTED = {Triple("a", "r", "b"), Triple("a", "r", "ns:c"), Label("a", "A", preferred=True)}


@pytest.mark.parametrize("syntax", DOCUMENTS)
def test_each_syntax_says_the_same(tmp_path, syntax):
    path = tmp_path / f"x{SYNTAXES[syntax].endings[0]}"
    path.write_text(DOCUMENTS[syntax], encoding="utf-8")
    # JSON-LD cannot declare the empty prefix.
    names = {"e:a": "a", "e:r": "r", "e:b": "b"} if syntax == "jsonld" else {}
    found = {
        type(r)(*(names.get(v, v) if isinstance(v, str) else v for v in r)) for r in records_of(path, prefixes=SHORT)
    }
    assert found == EXPECTED
    path.rename(tmp_path / "x")
    assert set(records_of(tmp_path / "x", syntax=syntax, prefixes=SHORT)) == set(
        records_of((tmp_path / "x").rename(path), prefixes=SHORT)
    )


@pytest.mark.parametrize("syntax", sorted(DOCUMENTS.keys() - {"n3", "nquads"}))
def test_the_syntax_is_told_from_the_content(tmp_path, syntax):
    (tmp_path / "x").write_text(DOCUMENTS[syntax], encoding="utf-8")
    assert len(records_of(tmp_path / "x")) == 3


def test_what_n3_has_beyond_rdf_is_skipped(tmp_path):
    (tmp_path / "x.n3").write_text(DOCUMENTS["n3"])
    records_of(tmp_path / "x.n3", tally=(tally := Tally()), blank_nodes="keep")
    assert tally.skipped == {"N3 variable": 2, "N3 formula": 3}


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, zstandard.compress])
@pytest.mark.parametrize("syntax", DOCUMENTS)
def test_compressed_documents_with_a_byte_order_mark_are_read(tmp_path, syntax, compress):
    path = tmp_path / f"x{SYNTAXES[syntax].endings[0]}"
    path.write_bytes(compress(b"\xef\xbb\xbf" + DOCUMENTS[syntax].encode()))
    assert len(records_of(path)) == 3
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"x\..*: the compressed file is damaged"):
        records_of(path)


def test_the_name_of_a_graph_is_the_source_of_its_triples(tmp_path):
    (tmp_path / "x.trig").write_text(PREFIXES + ":a :r :b . :g { :a :r :b , :c } [] { :a :r :d } _:g { :a :r :e }")
    plain = [Triple("a", "r", "b"), Triple("a", "r", "b", source="g"), Triple("a", "r", "c", source="g")]
    assert records_of(tmp_path / "x.trig") == [*plain, Triple("a", "r", "d"), Triple("a", "r", "e")]
    assert records_of(tmp_path / "x.trig", blank_nodes="keep") == [
        *plain, Triple("a", "r", "d", source="_:[1]"), Triple("a", "r", "e", source="_:g"),
    ]  # fmt: skip


def test_a_bad_line_of_ntriples_is_rejected_by_itself(tmp_path):
    good = b"<http://e.org/a> <http://e.org/r> <http://e.org/b> .\n"
    bad = [b"<http://e.org/a> <r> <http://e.org/b> .\n", b"junk\n", good[:-1] + good, good.replace(b"org/b", b"\xff")]
    (tmp_path / "x.nt").write_bytes(good + b"".join(line + good for line in bad))
    tally = Tally()
    assert len(records_of(tmp_path / "x.nt", tally)) == 5
    assert (tally.lines, tally.accepted, tally.rejected) == (9, 5, 4)
    assert tally.examples[0] == f"{tmp_path}/x.nt:2: not N-Triples: No scheme found in an absolute IRI"
    assert [example.partition(": ")[0] for example in tally.examples] == [
        f"{tmp_path}/x.nt:{n}" for n in (2, 4, 6, 8)
    ]
    assert tally.examples[-1].endswith("x.nt:8: not UTF-8 text")
    with pytest.raises(DataError, match=r"(?s)more than the limit of 3.*x.nt:2: not N-Triples"):
        records_of(tmp_path / "x.nt", Tally(limit=3))


MALFORMED = {
    "x.ttl": ("@prefix : <http://e.org/> .\n:a :b :c .\n:a :b ] .\n", r"x.ttl:3: not Turtle: ] is not a valid"),
    "y.ttl": ("@prefix", r"y.ttl:1: not Turtle: "),
    "z.ttl": ("@prefix : <http://e/> . :a :r ?x .", r"z.ttl:1: not Turtle: "),
    "x.trig": ("@prefix : <http://e.org/> .\n:g { :a :b :c \n", r"x.trig:\d: not TriG: "),
    "x.rdf": ("<?xml version='1.0'?>\n<a>\n</b>", r"x.rdf:3: not RDF/XML: mismatched tag"),
    "y.rdf": ("<a>\n", r"y.rdf:2: not RDF/XML: no element found"),
    "x.jsonld": ('{"@context":\n [', r"x.jsonld:2: not JSON-LD: "),
    "y.jsonld": ('{"@context": "https://schema.org/", "name": "x"}', r"y.jsonld: it refers to a @context elsewhere"),
    "x.n3": ("@prefix : <http://e.org/> .\n:a :b ] .\n", r"x.n3:2: not N3: "),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_syntax_error_is_named_with_its_line(tmp_path, name):
    text, message = MALFORMED[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        records_of(tmp_path / name)


def test_bytes_that_are_not_utf8_are_refused(tmp_path):
    (tmp_path / "x.ttl").write_bytes(b'# \n<u:a> <u:b> "\xff" .\n')
    with pytest.raises(DataError, match=r"x.ttl:2: not UTF-8 text"):
        records_of(tmp_path / "x.ttl")


def test_entities_that_swell_an_xml_document_are_refused(tmp_path):
    swelling = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    (tmp_path / "x.rdf").write_text(
        f'<!DOCTYPE r [<!ENTITY a "{"a" * 99}">{swelling}]>\n<r xmlns:p="http://p/">&i;</r>', encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"x.rdf:\d: not RDF/XML: limit on input amplification"):
        records_of(tmp_path / "x.rdf")


def test_wrong_options_are_refused(tmp_path):
    (tmp_path / "x.ttl").write_text("")
    with pytest.raises(ConfigError, match="blank_nodes is 'drop'; allowed: skip, keep"):
        records_of(tmp_path / "x.ttl", blank_nodes="drop")
    with pytest.raises(UnknownNameError, match=r"unknown RDF syntax 'turtel'; did you mean 'turtle'\?"):
        records_of(tmp_path / "x.ttl", syntax="turtel")
    with pytest.raises(DataError, match=r"RDF file '.*y.ttl' does not exist; did you mean 'x.ttl'\?"):
        records_of(tmp_path / "y.ttl")


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
    records = records_of(path, prefixes={"": "http://e.org/"})
    expected = {Triple(*triple) for triple in triples} | {Label(*item, preferred=True) for item in labels.items()}
    assert len(records) == len(expected)
    assert set(records) == expected


iri = st.sampled_from("abcde").map(lambda name: URIRef(f"http://e.org/{name}"))
blank = st.sampled_from("xyz").map(BNode)
value = st.one_of(
    iri,
    blank,
    literal.map(Literal),
    st.integers(-999, 999).map(Literal),
    literal.map(lambda text: Literal(text, lang="de")),
)
RDFLIB_NAMES = {"turtle": "turtle", "ntriples": "nt11", "rdfxml": "xml", "jsonld": "json-ld", "n3": "n3"}


@pytest.mark.parametrize("syntax", RDFLIB_NAMES)
@settings(max_examples=15)
@given(statements=st.lists(st.tuples(iri | blank, iri | st.just(RDFS.label), value), max_size=8))
def test_the_triples_are_those_that_rdflib_finds(tmp_path_factory, syntax, statements):
    path = tmp_path_factory.getbasetemp() / f"same{SYNTAXES[syntax].endings[0]}"
    written = Graph()
    for statement in statements:
        written.add(statement)
    path.write_bytes(written.serialize(format=RDFLIB_NAMES[syntax], encoding="utf-8"))
    reference = rdflib.Graph().parse(path, format=RDFLIB_NAMES[syntax].removesuffix("11"))
    edges = {tuple(map(str, t)) for t in reference if all(isinstance(term, URIRef) for term in t)}
    labels = {
        (str(s), str(o))
        for s, p, o in reference
        if p == RDFS.label and isinstance(s, URIRef) and not isinstance(o, URIRef | BNode)
    }
    tally = Tally()
    records = records_of(path, tally, prefixes={}, language=None)
    full = {"rdfs:label": str(RDFS.label), "ns1:": "http://e.org/"}

    def name(text):
        return next((text.replace(short, long, 1) for short, long in full.items() if text.startswith(short)), text)

    assert {tuple(map(name, r[:3])) for r in records if isinstance(r, Triple)} == edges
    assert {(name(r.entity), r.text) for r in records if isinstance(r, Label)} == labels
    assert tally.lines == len(reference)
