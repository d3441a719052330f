import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError, DataError, KglmError
from kglm.retrieval import read_documents
from kglm.retrieval.text_files import FORMATS

ROWS = [{"id": "a1", "text": "one, two"}, {"id": "b2", "text": 'said "three"'}, {"id": "c3", "text": "vier ü 🌍"}]


def write(path, rows):
    if path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as handle:
            options = (
                {"delimiter": "\t", "quoting": csv.QUOTE_NONE, "quotechar": None} if path.suffix == ".tsv" else {}
            )
            writer = csv.writer(handle, **options)
            writer.writerows([list(rows[0]), *(list(row.values()) for row in rows)])
    return path


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv", "parquet"])
def test_each_format_gives_the_same(tmp_path, ending):
    path = write(tmp_path / f"t.{ending}", ROWS)
    found = list(read_documents(path, column="text", key="id"))
    assert found == [(i, row["id"], row["text"]) for i, row in enumerate(ROWS)]
    with pytest.raises(DataError, match=rf"t.{ending}:\d: no column 'txet'; did you mean 'text'\?; found id, text"):
        list(read_documents(path, column="txet"))


def test_lines_and_compression_and_inner_fields(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\xef\xbb\xbf first \r\n\r\n\xc3\xbc second")
    assert [d.text for d in read_documents(tmp_path / "t.txt")] == ["first", "ü second"]
    (tmp_path / "q.jsonl.gz").write_bytes(gzip.compress(b'{"question": {"stem": "why?"}, "n": 7}'))
    assert list(read_documents(tmp_path / "q.jsonl.gz", column="question.stem", key="n")) == [(0, "7", "why?")]
    (tmp_path / "facts").write_text('"a, b"\n"c"\n', encoding="utf-8")
    found = read_documents(tmp_path / "facts", format="csv", header=False, column="0")
    assert [document.text for document in found] == ["a, b", "c"]


@pytest.mark.parametrize(
    ("name", "content", "options", "error", "message"),
    [
        ("t.xyz", b"a", {}, ConfigError, "format of '.*' is None; allowed: jsonl, csv"),
        ("t.txt", b"a", {"column": "a"}, ConfigError, "plain lines have no columns"),
        ("t.csv", b"a\n1", {}, ConfigError, "needs the name of the column"),
        ("t.jsonl", b'{"a": 1}', {"column": "a"}, DataError, ":1: the text is 1; expected one"),
        ("t.jsonl", b'{"a": "x"}\n{"a": " "}', {"column": "a"}, DataError, ":2: the text is ' '"),
        ("t.jsonl", b"[1]", {"column": "a"}, DataError, ":1: a JSON list; expected an object"),
        ("t.jsonl", b"{", {"column": "a"}, DataError, ":1: not JSON"),
        ("t.txt", b"ok\n\xff", {}, DataError, ":2: not UTF-8"),
        ("t.csv", b'a,b\n1,"2', {"column": "a"}, DataError, ":2: not CSV"),
        ("t.csv", b"a,b\n1", {"column": "a"}, DataError, ":2: 1 fields, but the header has 2"),
        ("t.parquet", b"PAR1 or so", {"column": "a"}, DataError, "Parquet file is damaged"),
    ],
)
def test_what_cannot_be_read(tmp_path, name, content, options, error, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=message):
        list(read_documents(tmp_path / name, **options))


def test_a_missing_file(tmp_path):
    (tmp_path / "texts.jsonl").touch()
    with pytest.raises(DataError, match=r"does not exist; did you mean 'texts.jsonl'"):
        list(read_documents(tmp_path / "text.jsonl", column="a"))


@settings(max_examples=40)
@given(
    st.sampled_from(FORMATS), st.binary(max_size=60) | st.text(max_size=40).map(lambda t: t.encode("utf-8", "ignore"))
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, format, content):
    path = tmp_path_factory.getbasetemp() / "fuzz"
    path.write_bytes(content)
    problem, found = None, []
    try:
        found = list(read_documents(path, format=format, column=None if format == "lines" else "a"))
    except KglmError as error:
        problem = str(error)
    assert problem is None or str(path) in problem
    assert all(document.text.strip() for document in found)


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).filter(str.strip)


@settings(max_examples=40)
@given(st.lists(texts, min_size=1, max_size=5))
def test_any_text_comes_back(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "roundtrip"
    path.write_text("\n".join(json.dumps({"a": value}) for value in values), encoding="utf-8")
    assert [d.text for d in read_documents(path, format="jsonl", column="a")] == [value.strip() for value in values]
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["a", "b"], *([value, ""] for value in values)])
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
    assert [d.text for d in read_documents(path, format="csv", column="a")] == [value.strip() for value in values]
