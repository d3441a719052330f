"""What holds of all readers."""

import bz2
import gzip
import io
import logging

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError, DataError, UnknownNameError
from kglm.kg import build_graph
from kglm.kg.readers import READERS, check_options, detect_format, one_by_one, read_records, reader_options
from kglm.kg.readers.conceptnet_merged import COLUMNS
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, Triple
from kglm.kg.tally import Tally

HEADER = "\t".join(COLUMNS) + "\n"
TURTLE = "@prefix : <http://e/> .\n"
TURTLE_FRAGMENTS = ["@prefix", "@base", ":", ":a", ":r", "<http://e/>", "<", ">", ".", ";", ",", '"', '"""', "'", "[",
                    "]", "(", ")", "{", "}", "\n", " ", "\\ud800", "\\", "^^", "@en", "_:b", "1", "1e", "=>", "true",
                    "a", "!", "?x", "#", "%", "\0", "\ud800", "\U0001f600"]  # fmt: skip
FRAGMENTS = {
    "tsv": ["a", "b c", "\t", "\t", "\n", "1", "-1", "1e400", "#", "\r", " ", "\ufeff", "\ud800", "\0", "\u3000"],
    "csv": ["a", "b c", ",", ",", "\n", "1", "-1", '"', '"', "\r", " ", "\ufeff", "\ud800", "\0",
            "head,relation,tail"],
    "conceptnet_merged": ["a", "b", "\t", "\t", "\t", "\n", "x=1", ";", "=", "y=nan", " ", "\ud800", "\u2028"],
    "conceptnet5": ["/a/", "\t", "\t", "\t", "/r/IsA", "/c/en/a", "/c/fr/b", "{", "}", '"weight": 1', "\n", "\ud800"],
    "wikidata": ["Q1", "P2", "Q3", " ", " ", "\t", "\n", "#", "\ud800", "\u00a0"],
}  # fmt: skip
OPENINGS = {
    "tsv": "a\tr\tb\n",
    "csv": "head,relation,tail\n",
    "conceptnet_merged": HEADER,
    "conceptnet5": '/a/x\t/r/IsA\t/c/en/a\t/c/en/b\t{"dataset": "/d/x", "weight": 1}\n',
    "wikidata": "Q1 P2 Q3\n",
    "rdf": TURTLE + ":a :r ",
}


def content(format):
    garbage = st.lists(st.sampled_from(FRAGMENTS.get(format, TURTLE_FRAGMENTS)), max_size=25).map("".join)
    text = st.one_of(st.text(max_size=30), garbage, garbage.map(lambda rest: OPENINGS.get(format, "") + rest))
    return st.one_of(st.binary(max_size=30), text.map(lambda text: text.encode("utf-8", "surrogatepass")))


@pytest.fixture(scope="module", autouse=True)
def quiet_rdflib():
    logging.getLogger("rdflib").setLevel(logging.CRITICAL)


@pytest.mark.parametrize("format", READERS)
@settings(max_examples=100)
@given(data=st.data())
def test_whatever_the_file_holds_only_data_errors_escape_and_nothing_is_lost(tmp_path_factory, format, data):
    path = tmp_path_factory.getbasetemp() / f"fuzz.{format}"
    written = data.draw(content(format))
    path.write_bytes(written)
    tally = Tally(limit=5)
    try:
        records = list(one_by_one(read_records(path, tally, format)))
    except DataError:
        return
    if format in FRAGMENTS and format != "csv":
        text = written.removeprefix(b"\xef\xbb\xbf")
        assert tally.lines == text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    assert tally.lines == tally.accepted + tally.skipped.total() + tally.rejected
    for record in records:
        if isinstance(record, Triple):
            assert record.head
            assert record.relation
            assert record.tail
            assert MIN_WEIGHT <= record.weight <= MAX_WEIGHT


@settings(max_examples=60)
@given(content("rdf"))
@example((TURTLE + ':a :r :b ; <http://www.w3.org/2000/01/rdf-schema#label> "\\ud800" .').encode())
def test_what_a_reader_yields_can_be_compiled_or_is_refused(tmp_path_factory, source):
    folder = tmp_path_factory.getbasetemp()
    (folder / "fuzz.ttl").write_bytes(source)
    try:
        graph = build_graph(read_records(folder / "fuzz.ttl", Tally()), folder / "fuzzed", name="fuzz")
    except DataError:
        return
    assert graph.num_triples > 0


def test_an_unknown_format_proposes_near_ones(tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown graph format 'turtel'; did you mean 'turtle'\? \(\d+ known"):
        read_records(tmp_path / "x", Tally(), "turtel")


@pytest.mark.parametrize("name", ["x.tsv", "x.ttl", "x.tsv.gz"])
def test_a_missing_source_is_refused(tmp_path, name):
    with pytest.raises(DataError, match=f"{name}' does not exist"):
        list(read_records(tmp_path / name, Tally()))


def test_a_named_format_goes_before_the_ending(tmp_path):
    (tmp_path / "x.ttl").write_text("a\tr\tb\n")
    assert list(one_by_one(read_records(tmp_path / "x.ttl", Tally(), "tsv"))) == [Triple("a", "r", "b")]


@pytest.mark.parametrize("format", READERS)
def test_every_reader_names_its_options(format):
    assert all(name.isidentifier() for name in reader_options(format))
    with pytest.raises(ConfigError, match=f"the reader '{format}' has no option 'nonsense'"):
        check_options(format, {"nonsense": 1})


@pytest.mark.parametrize(
    ("format", "options", "message"),
    [
        ("tsv", {"header": "yes"}, "option 'header' of the reader 'tsv' is 'yes'; allowed: true, false or null"),
        ("wikidata", {"labels": 5}, "option 'labels' of the reader 'wikidata' is 5; allowed: text or null"),
        (
            "csv",
            {"columns": ["a"]},
            "option 'columns' of the reader 'csv' is ['a']; allowed: a group of values or null",
        ),
        (
            "conceptnet5",
            {"languages": 1},
            "option 'languages' of the reader 'conceptnet5' is 1; allowed: a list or null",
        ),
        ("conceptnet5", {"senses": True}, "option 'senses' of the reader 'conceptnet5' is True; allowed: text"),
        ("turtle", {"blank_nodes": 1}, "option 'blank_nodes' of the reader 'turtle' is 1; allowed: text"),
    ],
)
def test_options_of_another_type_are_refused(format, options, message):
    with pytest.raises(ConfigError) as caught:
        check_options(format, options)
    assert str(caught.value) == message


def test_a_reader_that_loses_a_line_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setattr("kglm.kg.readers.find_reader", lambda format: lambda path, tally: iter([tally.read()]))
    with pytest.raises(RuntimeError, match=r"1 lines of '.' read, but 0 accounted for"):
        list(read_records(tmp_path, Tally(), "tsv"))


def parquet():
    buffer = io.BytesIO()
    pa.parquet.write_table(pa.table({"head": ["a"], "relation": ["r"], "tail": ["b"]}), buffer)
    return buffer.getvalue()


CONTENT = {
    "conceptnet5": OPENINGS["conceptnet5"],
    "conceptnet_merged": HEADER + "a\tIsA\tb\tx=1\ta\tb\n",
    "csv": 'head,relation,tail\n"a",r,b\n',
    "wikidata": "# a remark\n\nQ1\tP2\tQ3\n",
    "tsv": "a\tr\tb\n",
}
RDF = [
    "# a remark\n@prefix : <http://e/> .\n",
    "PREFIX e: <http://e/>\n",
    "<http://e/a> <http://e/r> <http://e/b> .\n",
    "_:a <http://e/r> <http://e/b> <http://e/g> .\n",
    '<?xml version="1.0"?>\n<rdf:RDF>',
    '{"@context": {}, "@id": "a"}',
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize("format", CONTENT)
def test_the_format_is_told_from_the_content_even_compressed(tmp_path, format, pack):
    path = tmp_path / "download"
    path.write_bytes(pack(CONTENT[format].encode()))
    assert detect_format(path) == format
    tally = Tally(limit=0)
    assert sum(isinstance(record, Triple) for record in one_by_one(read_records(path, tally))) == 1


@pytest.mark.parametrize("text", RDF)
def test_rdf_is_told_from_its_beginning(tmp_path, text):
    (tmp_path / "download").write_text(text)
    assert detect_format(tmp_path / "download") == "rdf"


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("x.parquet", parquet(), "parquet"),
        ("x", parquet(), "parquet"),
        ("x.nt.gz", gzip.compress(b"", mtime=0), "rdf"),
        ("x.owl", b"", "rdf"),
        ("x.csv", b"a,r,b\n", "csv"),
        ("x.CSV", OPENINGS["conceptnet5"].encode(), "conceptnet5"),
        ("x.txt", b"only one column", "tsv"),
        ("x.tsv", b"<a>\t<r>\t<b>\n", "tsv"),
        ("x.arrow", b"", "arrow"),
    ],
)
def test_the_format_is_told_from_content_and_name(tmp_path, name, content, format):
    (tmp_path / name).write_bytes(content)
    assert detect_format(tmp_path / name) == format


@pytest.mark.parametrize(("name", "format"), [("a.ttl", "rdf"), ("state.json", "dataset"), ("data.noun", "wordnet")])
def test_a_folder_is_told_by_its_files(tmp_path, name, format):
    (tmp_path / name).write_text("")
    assert detect_format(tmp_path) == format
    assert detect_format("hf://somebody/triples") == "dataset"


def test_a_source_without_known_format_is_refused(tmp_path):
    (tmp_path / "notes.md").write_text("# Notes\nnothing to see\n")
    for path in (tmp_path, tmp_path / "notes.md"):
        with pytest.raises(DataError, match=r"cannot be told; expected ConceptNet 5 assertions.*or name the format"):
            detect_format(path)
