import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError, UnknownNameError
from kglm.kg.records import Triple
from kglm.linking.evaluation.gold import read_gold
from kglm.linking.evaluation.identifiers import EntityIdentifiers

TEXT = "Apple’s 😀 founder Steve"
LABELS = [{"span": [0, 5], "entity_id": "Q312"}, {"span": [18, 23], "entity_id": "<NIL>"}]
PREFIXES = """
@prefix nif: <http://persistence.uni-leipzig.org/nlp2rdf/ontologies/nif-core#> .
@prefix itsrdf: <http://www.w3.org/2005/11/its/rdf#> .
"""
NIF = (
    PREFIXES
    + f"""
<http://x/d#char=0,23> a nif:Context ; nif:beginIndex "0" ; nif:endIndex "23" ; nif:isString "{TEXT}"@en .
<http://x/d#char=0,5> nif:referenceContext <http://x/d#char=0,23> ; nif:beginIndex "0" ; nif:endIndex "5" ;
  nif:anchorOf "Apple" ; itsrdf:taIdentRef <http://dbpedia.org/resource/Apple_Inc.> .
<http://x/d#char=18,23> nif:referenceContext <http://x/d#char=0,23> ; nif:beginIndex "18" ; nif:endIndex "23" .
"""
)


def elevant(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_elevant_and_nif_say_the_same(tmp_path):
    (first,) = read_gold(elevant(tmp_path / "gold.jsonl", {"id": 3, "text": TEXT, "labels": LABELS}))
    (tmp_path / "gold.ttl").write_text(NIF, encoding="utf-8")
    (second,) = read_gold(tmp_path / "gold.ttl")
    assert first.id == "3"
    assert first.text == second.text == TEXT
    assert [TEXT[a:b] for a, b, _ in first.mentions] == ["Apple", "Steve"]
    assert [mention[:2] for mention in first.mentions] == [mention[:2] for mention in second.mentions]
    assert [mention.entity for mention in first.mentions] == ["Q312", None]
    assert [mention.entity for mention in second.mentions] == ["http://dbpedia.org/resource/Apple_Inc.", None]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"id": 1, "text": "a", "labels": [{"span": [0, 2], "entity_id": "Q1"}]}, "0-2"),
        ({"id": 1, "text": "a", "labels": [{"span": [1, 1], "entity_id": "Q1"}]}, "1-1"),
        ({"id": 1, "text": "a", "labels": [{"span": [0, 1], "entity_id": "Q1"}] * 2}, "marked twice"),
        ({"id": 1, "text": "a", "labels": [{"span": [0, True], "entity_id": "Q1"}]}, "span"),
        ({"id": 1, "text": "a", "labels": [{"span": [0, 1], "entity_id": 7}]}, "entity_id is 7"),
        ({"id": 1, "text": 5, "labels": []}, "text is 5"),
        ({"id": 1, "text": "a"}, "labels"),
        ([1], "expected"),
        ("text", "expected"),
    ],
)
def test_malformed_lines_are_told_by_their_number(tmp_path, row, told):
    path = elevant(tmp_path / "gold.jsonl", {"id": 0, "text": "b", "labels": []}, row)
    with pytest.raises(DataError, match=rf"gold\.jsonl:2: .*{told}"):
        read_gold(path)


@given(content=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    for name in ("gold.jsonl", "gold.ttl"):
        path = tmp_path_factory.mktemp("gold") / name
        path.write_bytes(content)
        with pytest.raises(DataError):
            assert read_gold(path) is None  # nothing that short and random is a gold set


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('nif:anchorOf "Apple"', 'nif:anchorOf "Pear"', "reads 'Pear'"),
        ('nif:beginIndex "18"', 'nif:beginIndex "-1"', "beginIndex '-1'"),
        ('nif:endIndex "23" .', 'nif:endIndex "99" .', "18-99"),
        ("<http://x/d#char=0,23> a", "<http://x/other> a", "has no nif:isString"),
        ("nif:isString", "nif:isString nonsense", r"gold\.ttl:\d+"),
    ],
)
def test_malformed_nif_is_told(tmp_path, old, new, told):
    assert old in NIF
    (tmp_path / "gold.ttl").write_text(NIF.replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=told):
        read_gold(tmp_path / "gold.ttl")


def test_the_format_may_be_named(tmp_path):
    path = elevant(tmp_path / "gold.txt", {"id": 3, "text": TEXT, "labels": LABELS})
    assert len(read_gold(path, "elevant")) == 1
    with pytest.raises(UnknownNameError, match="elevant"):
        read_gold(path, "elevent")
    with pytest.raises(DataError, match="does not exist"):
        read_gold(tmp_path / "none.jsonl")


def test_entities_are_found_by_all_their_identifiers(graph_of, tmp_path):
    graph = graph_of(Triple("/m/1", "r", "/m/2"), Triple("Q5", "r", "/m/1"))
    rows = [
        {"mid": "/m/1", "wikidata_id": "Q312", "wikipedia": "https://en.wikipedia.org/wiki/Caf%C3%A9_(place)"},
        {"mid": "/m/99", "wikidata_id": "Q99"},
        {"entity": "/m/2", "wikidata_id": None, "wikipedia": ""},
    ]
    known = EntityIdentifiers.read(graph, elevant(tmp_path / "ids.jsonl", *rows))
    one = graph.entity_id("/m/1")
    for identifier in (
        "Q312",
        "http://www.wikidata.org/entity/Q312",
        "https://www.wikidata.org/wiki/Q312",
        "http://dbpedia.org/resource/Café_(place)",
        "http://dbpedia.org/resource/Caf%C3%A9_(place)",
        "https://en.wikipedia.org/wiki/Café_(place)",
        "/m/1",
    ):
        assert known.find(identifier) == one, identifier
    assert known.find("Q5") == graph.entity_id("Q5")
    for identifier in ("Q99", "Q1", "http://aksw.org/notInWiki/X", None):
        assert known.find(identifier) is None


def test_malformed_identifiers_are_told(graph_of, tmp_path):
    graph = graph_of(Triple("a", "r", "b"))
    for line in ("{", "[]", '{"mid": 3}'):
        (tmp_path / "ids.jsonl").write_text('{"mid": "a"}\n' + line, encoding="utf-8")
        with pytest.raises(DataError, match=r"ids\.jsonl:2: "):
            EntityIdentifiers.read(graph, tmp_path / "ids.jsonl")


@pytest.mark.data
def test_the_sets_of_the_data_folder(data_dir):
    folder = data_dir / "entity_linking"
    counts = {
        "elevant/kore50.jsonl": (50, 144),
        "elevant/oke-2015-train.jsonl": (95, 341),
        "n3/RSS-500.ttl": (500, 1000),
    }
    for name, expected in counts.items():
        documents = read_gold(folder / name)
        assert (len(documents), sum(len(document.mentions) for document in documents)) == expected
