"""Turtle, N-Triples and rdflib: what is written is read back as the same graph."""

import pyoxigraph
import pytest
import rdflib
from hypothesis import example, given
from interchange_records import content, few, records, said
from rdflib.compare import to_canonical_graph

from kglm.errors import DataError
from kglm.kg.interchange import export_graph, from_rdflib, to_rdflib
from kglm.kg.iris import BASE, VOCABULARY, WELL_KNOWN, Namespaces
from kglm.kg.readers.rdf import read_rdf
from kglm.kg.records import Description, Label, Triple
from kglm.kg.tally import Tally

RECORDS = [
    Triple("trowel", "UsedFor", "dig a hole", 2.5),
    Triple("trowel", "UsedFor", "weed"),
    Triple("wd:Q42", "rdf:type", "trowel", 1.0, "a catalogue"),
    Label("trowel", 'garden "trowel"', preferred=True),
    Label("trowel", "hand spade"),
    Description("trowel", "a small\ngarden tool"),
]
TURTLE = """\
@prefix : <urn:kglm:name:> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix kglm: <urn:kglm:> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix wd: <http://www.wikidata.org/entity/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .

:dig%20a%20hole rdfs:label "dig a hole" .
:trowel rdfs:label "garden \\"trowel\\"" ;
    skos:altLabel "hand spade" ;
    skos:definition "a small\\ngarden tool" ;
    :UsedFor :dig%20a%20hole, :weed .
[] a rdf:Statement ; rdf:subject :trowel ; rdf:predicate :UsedFor ; rdf:object :dig%20a%20hole ; \
kglm:weight "2.5"^^xsd:float .
wd:Q42 rdfs:label "wd:Q42" ;
    rdf:type :trowel .
[] a rdf:Statement ; rdf:subject wd:Q42 ; rdf:predicate rdf:type ; rdf:object :trowel ; \
dcterms:source "a catalogue" .
:weed rdfs:label "weed" .
"""


def read(path, **options):
    return list(read_rdf(path, Tally(), **options))


def in_full(content, iri):
    """Return what a graph says with every name as its IRI; a label made from a name is not compared."""
    return {
        "triples": {tuple(map(iri, triple)): more for triple, more in content["triples"].items()},
        "forms": {(text, iri(name)) for text, name in content["forms"]},
        "labels": {iri(name): text for name, text in content["labels"].items()},
        "descriptions": {iri(name): text for name, text in content["descriptions"].items()},
    }


def test_turtle_reads_well(graph_of, tmp_path):
    export_graph(graph_of(*RECORDS), tmp_path / "a.ttl")
    assert (tmp_path / "a.ttl").read_text(encoding="utf-8") == TURTLE


@few
@given(records())
@example([Triple("rdf:Statement", "rdf:type", "rdf:Statement")])
def test_turtle_round_trip_through_the_reader(graph_of, tmp_path_factory, items):
    graph = graph_of(*items)
    path = tmp_path_factory.getbasetemp() / "round_trip.ttl"
    export_graph(graph, path)
    # Without the well-known prefixes, those of the file alone: a name that is an IRI in full stays one.
    assert said(read(path, prefixes={})) == content(graph)


@few
@given(records())
def test_ntriples_round_trip_through_the_reader(graph_of, tmp_path_factory, items):
    graph = graph_of(*items)
    path = tmp_path_factory.getbasetemp() / "round_trip.nt"
    export_graph(graph, path)
    # N-Triples have no prefixes: well-known namespaces come back as prefixes, whichever way they were written.
    iri = Namespaces.of(graph.entities, graph.relations).iri
    read_iri = Namespaces({"": BASE} | WELL_KNOWN).iri
    assert in_full(said(read(path)), read_iri) == in_full(content(graph), iri)


@few
@given(records())
def test_rdflib_round_trip(graph_of, items):
    graph = graph_of(*items)
    assert said(from_rdflib(to_rdflib(graph))) == content(graph)


@few
@given(records())
def test_both_syntaxes_say_the_same_and_ntriples_are_sorted(graph_of, tmp_path_factory, items):
    graph = graph_of(*items)
    folder = tmp_path_factory.getbasetemp()
    for path in (folder / "same.ttl", folder / "same.nt"):
        export_graph(graph, path)
    lines = (folder / "same.nt").read_bytes().splitlines(keepends=True)
    assert lines == sorted(set(lines))
    canonical = []
    for path in (folder / "same.ttl", folder / "same.nt"):
        dataset = pyoxigraph.Dataset(pyoxigraph.parse(path=str(path), format=None))
        dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.UNSTABLE)
        canonical.append(dataset)
    assert canonical[0] == canonical[1]


def test_rdflib_copy_says_what_turtle_says(graph_of):
    copy = to_rdflib(graph_of(*RECORDS))
    expected = rdflib.Graph().parse(data=TURTLE, format="turtle")
    assert set(to_canonical_graph(copy)) == set(to_canonical_graph(expected))
    assert dict(copy.namespaces())["wd"] == rdflib.URIRef("http://www.wikidata.org/entity/")


def test_without_statements_only_plain_triples_are_written(graph_of, tmp_path):
    graph = graph_of(*RECORDS)
    for path in (tmp_path / "a.nt", tmp_path / "a.ttl"):
        export_graph(graph, path, statements=False)
        assert "Statement" not in path.read_text(encoding="utf-8")
    assert len(to_rdflib(graph, statements=False)) == 9


def test_a_part_is_copied(graph_of):
    graph = graph_of(*RECORDS)
    copy = to_rdflib(graph, [graph.entity_id("trowel"), graph.entity_id("weed")])
    assert list(graph_of(*from_rdflib(copy)).triples()) == [RECORDS[1]]


def test_given_prefixes_are_written(graph_of, tmp_path):
    graph = graph_of(Triple("schema:Person", "rdf:type", "schema:Class"))
    export_graph(graph, tmp_path / "a.ttl", prefixes={"schema": "http://schema.org/"})
    assert "\nschema:Person rdfs:label" in (tmp_path / "a.ttl").read_text(encoding="utf-8")


FOREIGN = """
@prefix ex: <http://ex.example/> . @prefix : <http://own.example/> . @prefix kglm: <urn:kglm:> .
:a ex:p :b ; rdfs:label "Hund"@de, "dog"@en-GB ; skos:altLabel "hound" ; skos:definition "Tier"@de ; ex:size 5 .
:a ex:p [ ex:q :b ] .
"""


def foreign(text):
    graph = rdflib.Graph(bind_namespaces="core")
    header = "".join(f"@prefix {prefix}: <{VOCABULARY[prefix]}> . " for prefix in ("rdf", "rdfs", "skos"))
    return graph.parse(data=header + text, format="turtle")


def test_a_foreign_graph_is_named_by_its_prefixes_and_read_in_one_language(graph_of):
    graph = graph_of(*from_rdflib(foreign(FOREIGN)))
    assert list(graph.triples()) == [Triple("a", "ex:p", "b")]
    assert list(graph.labels) == ["dog", "b"]
    german = graph_of(*from_rdflib(foreign(FOREIGN), language="de"))
    assert (german.labels[0], german.descriptions[0]) == ("Hund", "Tier")


def test_blank_nodes_are_kept_if_asked_for_and_everything_is_counted(graph_of):
    tally = Tally()
    graph = graph_of(*from_rdflib(foreign(FOREIGN), tally, blank_nodes="keep"))
    assert graph.num_triples == 3
    tally.require_settled()


def test_wrong_weights_are_refused():
    statement = "[] a rdf:Statement ; rdf:subject :a ; rdf:predicate ex:p ; rdf:object :c ; kglm:weight 2 ."
    with pytest.raises(DataError, match="not stated"):
        list(from_rdflib(foreign(f"{FOREIGN}\n{statement}")))
