"""What holds of all readers."""

import logging

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kglm.errors import DataError, UnknownNameError
from kglm.kg import build_graph
from kglm.kg.readers import READERS, read_records
from kglm.kg.readers.conceptnet_merged import COLUMNS
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, Triple
from kglm.kg.tally import Tally

HEADER = "\t".join(COLUMNS) + "\n"
TURTLE = "@prefix : <http://e/> .\n"
FRAGMENTS = {
    "tsv": ["a", "b c", "\t", "\t", "\n", "1", "-1", "1e400", "#", "\r", " ", "\ufeff", "\ud800", "\0"],
    "conceptnet_merged": ["a", "b", "\t", "\t", "\t", "\n", "x=1", ";", "=", "y=nan", " ", "\ud800", "\u2028"],
    "turtle": ["@prefix", "@base", ":", ":a", ":r", "<http://e/>", "<", ">", ".", ";", ",", '"', '"""', "'", "[", "]",
               "(", ")", "{", "}", "\n", " ", "\\ud800", "\\", "^^", "@en", "_:b", "1", "1e", "=>", "true", "a", "!",
               "?x", "#", "%", "\0", "\ud800", "\U0001f600"],
}  # fmt: skip
OPENINGS = {"tsv": "a\tr\tb\n", "conceptnet_merged": HEADER, "turtle": TURTLE + ":a :r "}


def content(format):
    garbage = st.lists(st.sampled_from(FRAGMENTS[format]), max_size=25).map("".join)
    text = st.one_of(st.text(max_size=30), garbage, garbage.map(lambda rest: OPENINGS[format] + rest))
    return st.one_of(st.binary(max_size=30), text.map(lambda text: text.encode("utf-8", "surrogatepass")))


@pytest.fixture(scope="module", autouse=True)
def quiet_rdflib():
    logging.getLogger("rdflib").setLevel(logging.CRITICAL)


@pytest.mark.parametrize("format", READERS)
@settings(max_examples=200)
@given(data=st.data())
def test_whatever_the_file_holds_only_data_errors_escape(tmp_path_factory, format, data):
    path = tmp_path_factory.getbasetemp() / f"fuzz.{format}"
    path.write_bytes(data.draw(content(format)))
    try:
        records = list(read_records(path, Tally(limit=5), format))
    except DataError:
        return
    for record in records:
        if isinstance(record, Triple):
            assert record.head
            assert record.relation
            assert record.tail
            assert MIN_WEIGHT <= record.weight <= MAX_WEIGHT


@settings(max_examples=60)
@given(content("turtle"))
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
    with pytest.raises(UnknownNameError, match=r"unknown graph format 'turtel'; did you mean 'turtle'\? \(3 known: "):
        read_records(tmp_path / "x", Tally(), "turtel")


def test_a_name_without_known_ending_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"expected .ttl, .tsv or .tsv.gz, or name one of \['conceptnet_merged', 'tsv'"
    ):
        read_records(tmp_path / "x.xml", Tally())


@pytest.mark.parametrize("name", ["x.tsv", "x.ttl", "x.tsv.gz"])
def test_a_missing_source_is_refused(tmp_path, name):
    with pytest.raises(DataError, match=f"{name}' does not exist"):
        list(read_records(tmp_path / name, Tally()))


def test_a_named_format_goes_before_the_ending(tmp_path):
    (tmp_path / "x.ttl").write_text("a\tr\tb\n")
    assert list(read_records(tmp_path / "x.ttl", Tally(), "tsv")) == [Triple("a", "r", "b")]
