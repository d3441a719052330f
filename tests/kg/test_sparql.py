import json
import multiprocessing
import shutil

import pytest

from kglm.errors import ConfigError, GraphError
from kglm.kg.records import Description, Label, Triple
from kglm.kg.sparql import QueryError, sparql
from kglm.kg.sparql_results import Statements, Truth
from kglm.kg.sparql_store import MANIFEST, open_store

RECORDS = [
    Triple("trowel", "UsedFor", "dig a hole", 2.5, "a catalogue"),
    Triple("trowel", "UsedFor", "weed"),
    Triple("weed", "PartOf", "garden", 0.5),
    Label("trowel", "garden trowel", preferred=True),
    Description("trowel", "a small tool"),
]
HOPS = "SELECT DISTINCT ?y { :trowel ?p ?x . ?x ?q ?y FILTER isIRI(?y) } ORDER BY ?y"


@pytest.fixture(scope="module")
def graph(graph_of):
    return graph_of(*RECORDS)


@pytest.fixture(params=["memory", "disk"])
def store_dir(request, tmp_path):
    return tmp_path / "stores" if request.param == "disk" else None


def test_select_gives_names_for_iris_and_python_values_for_literals(graph, store_dir):
    found = sparql(graph, "SELECT ?x ?label { :trowel :UsedFor ?x . ?x rdfs:label ?label } ORDER BY ?x", store_dir)
    assert found.variables == ("x", "label")
    assert list(found) == [("dig a hole", "dig a hole"), ("weed", "weed")]
    assert not found.truncated
    assert sparql(graph, HOPS, store_dir).dicts() == [{"y": "garden"}]


def test_weights_and_sources_stand_apart_from_the_triples(graph, store_dir):
    assert sparql(graph, "SELECT ?s { ?s ?p :weed }", store_dir).rows == [("trowel",)]
    query = """
        SELECT ?x (COALESCE(?given, 1) AS ?weight) ?source {
            :trowel :UsedFor ?x
            OPTIONAL { GRAPH kglm:statements {
                ?s rdf:subject :trowel ; rdf:object ?x ; kglm:weight ?given ; dcterms:source ?source
            } }
        } ORDER BY ?x"""
    assert sparql(graph, query, store_dir).rows == [("dig a hole", 2.5, "a catalogue"), ("weed", 1, None)]
    assert sparql(graph, "ASK { GRAPH ?g { ?s ?p ?o } }", store_dir)
    assert not sparql(graph, "ASK { GRAPH ?g { ?s ?p ?o } }", store_dir, statements=False)


def test_ask_construct_and_describe(graph, store_dir):
    assert sparql(graph, "ASK { :trowel :UsedFor :weed }", store_dir) == Truth(True)
    assert not sparql(graph, "ASK { :weed :UsedFor :trowel }", store_dir)
    made = sparql(graph, "CONSTRUCT { ?x :Wants ?t } WHERE { ?t :UsedFor ?x }", store_dir)
    assert isinstance(made, Statements)
    assert sorted(made) == [("dig a hole", "Wants", "trowel"), ("weed", "Wants", "trowel")]
    assert made.to_ntriples().splitlines()[1] == (
        "<urn:kglm:name:weed> <urn:kglm:name:Wants> <urn:kglm:name:trowel> ."
    )
    described = sparql(graph, "DESCRIBE :trowel", store_dir)
    assert ("trowel", "skos:definition", "a small tool") in described


def test_a_limit_cuts_and_says_so(graph):
    found = sparql(graph, "SELECT ?x { :trowel :UsedFor ?x }", limit=1)
    assert (len(found), found.truncated) == (1, True)
    assert found.to_table().endswith("1 row, and there are more")
    assert not sparql(graph, "SELECT ?x { :trowel :UsedFor ?x }", limit=2).truncated
    assert sparql(graph, "CONSTRUCT WHERE { ?s ?p ?o }", limit=3).truncated
    with pytest.raises(ConfigError, match="limit -1, expected 0 or more"):
        sparql(graph, "ASK {}", limit=-1)


def test_results_as_json_csv_and_table(graph):
    found = sparql(graph, 'SELECT ?x ?n ?l ?b ?u { VALUES (?x ?n ?l ?b) { (:weed 2 "a,\\nb"@en true) } }')
    assert json.loads(found.to_json()) == {
        "head": {"vars": ["x", "n", "l", "b", "u"]},
        "results": {
            "bindings": [
                {
                    "x": {"type": "uri", "value": "urn:kglm:name:weed"},
                    "n": {"type": "literal", "value": "2", "datatype": "http://www.w3.org/2001/XMLSchema#integer"},
                    "l": {"type": "literal", "value": "a,\nb", "xml:lang": "en"},
                    "b": {"type": "literal", "value": "true", "datatype": "http://www.w3.org/2001/XMLSchema#boolean"},
                }
            ]
        },
    }
    assert found.rows == [("weed", 2, "a,\nb", True, None)]
    assert found.to_csv() == 'x,n,l,b,u\r\nweed,2,"a,\nb",true,\r\n'
    assert found.to_table().splitlines()[2] == "weed  2  a, b  true"
    answer = sparql(graph, "ASK { :trowel ?p ?o }")
    assert json.loads(answer.to_json()) == {"head": {}, "boolean": True}
    assert (answer.to_csv(), answer.to_table()) == ("answer\r\ntrue\r\n", "yes")


@pytest.mark.parametrize(
    ("query", "line", "column", "message"),
    [
        ("SELECT ?s\nWHERE { ?s foo:p ?o }", 2, 17, "prefix not found"),
        ("SELECT * { ?s ?p }", 1, None, "malformed at line 1"),
        ("SELECT ?x { ?s ?p ?o } GROUP BY ?s", 1, None, "unbound"),
        ("SELEC", 1, None, "not expected here"),
        ("", 1, 1, "malformed"),
    ],
)
def test_a_malformed_query_is_refused_with_its_place(graph, query, line, column, message):
    with pytest.raises(QueryError, match=message) as caught:
        sparql(graph, query)
    assert caught.value.line == line
    assert caught.value.column == column or column is None
    assert 1 <= caught.value.column <= len(query.split("\n")[line - 1]) + 1


@pytest.mark.parametrize(
    "update", ["INSERT DATA { :a :b :c }", "# c\nPREFIX x: <urn:x>\n DELETE WHERE { ?s ?p ?o }", "CLEAR ALL"]
)
def test_updates_are_refused(graph, update):
    with pytest.raises(QueryError, match="UPDATE is refused"):
        sparql(graph, update)


def test_prefixes_can_be_given_and_declared(graph_of):
    graph = graph_of(Triple("schema:Person", "IsA", "person"))
    given = {"schema": "http://schema.org/"}
    assert sparql(graph, "SELECT ?x { schema:Person :IsA ?x }", prefixes=given).rows == [("person",)]
    declared = "PREFIX s: <http://schema.org/> SELECT ?x { ?x :IsA ?y FILTER(?x = s:Person) }"
    assert sparql(graph, declared, prefixes=given).rows == [("schema:Person",)]


def test_a_store_in_memory_is_made_once_for_a_graph_object(graph):
    assert open_store(graph) is open_store(graph)
    assert open_store(graph) is not open_store(graph, statements=True)


def test_a_store_on_disk_is_reused_read_only_and_of_one_graph(graph, graph_of, tmp_path):
    sparql(graph, HOPS, tmp_path)
    (folder,) = tmp_path.iterdir()
    made = folder.stat().st_mtime_ns
    sparql(graph, HOPS, tmp_path)
    assert folder.stat().st_mtime_ns == made
    store = open_store(graph, tmp_path)
    with pytest.raises((OSError, RuntimeError)):
        store.update("INSERT DATA { <urn:a> <urn:a> <urn:a> }")
    sparql(graph_of(Triple("a", "r", "b")), HOPS, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_foreign_or_damaged_store_is_refused(graph, graph_of, tmp_path):
    sparql(graph, HOPS, tmp_path)
    (folder,) = tmp_path.iterdir()
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"fingerprint": "another"}))
    with pytest.raises(GraphError, match=r"another graph.*remove"):
        sparql(graph, HOPS, tmp_path)
    (folder / MANIFEST).write_text(json.dumps(manifest))
    shutil.rmtree(folder / "oxigraph")
    with pytest.raises(GraphError, match=r"damaged.*remove"):
        sparql(graph, HOPS, tmp_path)
    (folder / MANIFEST).unlink()
    with pytest.raises(GraphError, match=r"holds no SPARQL store.*remove"):
        sparql(graph, HOPS, tmp_path)


def test_a_failure_while_filling_leaves_no_store(graph, tmp_path, monkeypatch):
    monkeypatch.setattr("kglm.kg.sparql_store.NTriplesWriter.lines", lambda *_: ["no triple"])
    with pytest.raises(SyntaxError):
        open_store(graph, tmp_path)
    assert list(tmp_path.iterdir()) == []


def _ask(graph, folder, queue):
    queue.put(sparql(graph, HOPS, folder).rows)


def test_two_processes_make_and_read_one_store_at_once(graph, tmp_path):
    context = multiprocessing.get_context("spawn")  # a store has threads, which a fork does not take along
    queue = context.Queue()
    other = context.Process(target=_ask, args=(graph, tmp_path, queue))
    other.start()
    assert sparql(graph, HOPS, tmp_path).rows == [("garden",)]
    assert queue.get(timeout=60) == [("garden",)]
    other.join()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.data
def test_two_hops_on_conceptnet_are_those_of_the_adjacency(conceptnet, tmp_path):
    trowel = conceptnet.entity_id("trowel")
    near = {int(n) for n in conceptnet.outgoing.row(trowel).neighbors}
    expected = {conceptnet.entities[int(n)] for middle in near for n in conceptnet.outgoing.row(middle).neighbors}
    found = sparql(conceptnet, "SELECT DISTINCT ?y { :trowel ?p ?x . ?x ?q ?y FILTER isIRI(?y) }")
    assert {name for (name,) in found} == expected
