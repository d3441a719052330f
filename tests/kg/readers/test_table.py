import csv
import io

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.errors import ConfigError, DataError
from kglm.kg.readers import blocks, one_by_one, read_records
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, Label, Triple
from kglm.kg.tally import Tally

COLUMNS = {"head": "subj", "relation": "pred", "tail": "obj", "weight": "w", "source": "from",
           "head_label": "name", "tail_aliases": "also"}  # fmt: skip
ROWS = [
    ["also", "subj", "pred", "obj", "w", "from", "name", "extra"],
    ["pooch|hound", "q1", "IsA", "q2", "2.5", "me", "cat", "x"],
    ["", "q1", "HasA", "q3", "1", "you", "cat", "x"],
    ["a b", "q3", "IsA", "q2", "1", "", "", ""],
]
EXPECTED = [
    Triple("q1", "IsA", "q2", 2.5, "me"),
    Triple("q1", "HasA", "q3", 1.0, "you"),
    Triple("q3", "IsA", "q2", 1.0, ""),
    Label("q1", "cat", preferred=True),
    Label("q2", "pooch"),
    Label("q2", "hound"),
    Label("q2", "a b"),
]


def read(path, format=None, limit=0, **options):
    tally = Tally(limit=limit)
    return list(one_by_one(read_records(path, tally, format, options))), tally


def write(folder, name, rows):
    path = folder / name
    if name.endswith("tsv"):
        path.write_text("\n".join("\t".join(row) for row in rows))
    elif name.endswith("csv"):
        with path.open("w", newline="") as handle:
            csv.writer(handle, quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        table = pa.table({name: [row[k] for row in rows[1:]] for k, name in enumerate(rows[0])})
        writer = pa.parquet.write_table if name.endswith("parquet") else pa.feather.write_feather
        writer(table, path)
    return path


@pytest.mark.parametrize("name", ["x.tsv", "x.csv", "x.parquet", "x.arrow"])
def test_columns_have_the_roles_of_the_map(tmp_path, name):
    records, tally = read(write(tmp_path, name, ROWS), columns=COLUMNS)
    assert sorted(records, key=str) == sorted(EXPECTED, key=str)
    assert tally.accepted == 3
    assert tally.skipped == ({} if name in {"x.parquet", "x.arrow"} else {"header": 1})


@pytest.mark.parametrize("name", ["x.tsv", "x.csv"])
def test_positions_do_without_a_header(tmp_path, name):
    path = write(tmp_path, name, [["IsA", "a", "b", "9"], ["IsA", "b", "c", "8", "more"]])
    records, _ = read(path, columns={"relation": 0, "head": 1, "tail": 2})
    assert records == [Triple("a", "IsA", "b"), Triple("b", "IsA", "c")]


@pytest.mark.parametrize("name", ["x.tsv", "x.csv", "x.parquet", "x.arrow"])
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"head": 0, "relation": 1}, "columns has no 'tail'; expected at least head, relation, tail"),
        ({"haed": 0}, "columns has no role 'haed'; did you mean 'head'"),
        ({"head": -1, "relation": 1, "tail": 2}, "columns.head is -1; allowed: a column's name, or its position"),
        (
            {"head": "subj", "relation": "prde", "tail": "obj"},
            "no column 'prde' for 'relation'; did you mean 'pred'?",
        ),
    ],
)
def test_a_wrong_map_is_refused(tmp_path, name, columns, message):
    with pytest.raises((ConfigError, DataError)) as caught:
        read(write(tmp_path, name, ROWS), columns=columns)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["x.tsv", "x.csv"])
def test_a_name_needs_a_header(tmp_path, name):
    with pytest.raises(ConfigError, match=r"columns.head is 'subj', but there is no header"):
        read(write(tmp_path, name, ROWS), columns={"head": "subj", "relation": 1, "tail": 2}, header=False)


def test_csv_rows_may_be_quoted_and_span_lines(tmp_path):
    (tmp_path / "x.csv").write_bytes(
        b'\xef\xbb\xbf"head","relation","tail"\r\n"a ""b"", c","r","two\r\nlines"\r\n\r\n'
    )
    records, tally = read(tmp_path / "x.csv")
    assert records == [Triple('a "b", c', "r", "two\r\nlines")]
    assert tally.counts()["skipped"] == {"blank line": 1, "header": 1}
    (tmp_path / "x.csv").write_text("a;r;b;2\n")
    assert read(tmp_path / "x.csv", delimiter=";")[0] == [Triple("a", "r", "b", 2.0)]


def test_rows_of_csv_that_cannot_be_used_are_rejected(tmp_path):
    bad = b'a,r,b\n"x"y,r,b\n,,\na,r\nb,r,\xff\na,r,b,0\nc,r,d\n"open,r,b\n'
    (tmp_path / "x.csv").write_bytes(bad)
    records, tally = read(tmp_path / "x.csv", limit=9)
    assert records == [Triple("a", "r", "b"), Triple("c", "r", "d")]
    reasons = sorted((int(e.split(":")[1]), e.split(": ", 1)[1].split(" (")[0]) for e in tally.examples)
    assert reasons == [
        (2, "not a row of CSV"),
        (3, "all fields are empty"),
        (4, "the tail is empty"),
        (5, "not UTF-8 text"),
        (6, "weight '0', expected a positive number"),
        (8, "not a row of CSV"),
    ]
    assert tally.lines == 8


@pytest.mark.parametrize("delimiter", ["", "ab", '"'])
def test_a_delimiter_is_one_character(tmp_path, delimiter):
    (tmp_path / "x.csv").write_text("a,r,b\n")
    with pytest.raises(ConfigError, match="allowed: one character"):
        read(tmp_path / "x.csv", delimiter=delimiter)


def test_columns_of_parquet_may_have_other_types(tmp_path):
    table = pa.table(
        {
            "head": pa.array([1, 2, None]),
            "relation": pa.array(["r", "s", "t"]).dictionary_encode(),
            "tail": pa.array(["a", "", "c"], type=pa.large_string()),
            "weight": pa.array([0.5, 1.0, None]),
            "head_aliases": pa.array([["x", " ", "y"], None, []]),
        }
    )
    pa.parquet.write_table(table, tmp_path / "x.parquet")
    records, tally = read(tmp_path / "x.parquet", limit=9)
    assert records == [Triple("1", "r", "a", 0.5), Label("1", "x"), Label("1", "y")]
    assert [example.split(": ", 1)[1] for example in tally.examples] == ["the tail is empty", "the head is empty"]
    pa.parquet.write_table(table.set_column(0, "head", pa.array([[1], [2], [3]])), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"the column for 'head' holds list.*, which cannot be read as string"):
        read(tmp_path / "x.parquet")


@pytest.mark.parametrize("name", ["x.parquet", "x.arrow"])
@settings(max_examples=150)
@given(st.data())
def test_a_damaged_table_is_a_data_error_or_read_in_full(tmp_path_factory, name, data):
    path = write(tmp_path_factory.getbasetemp(), name, ROWS)
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path.write_bytes(content)
    try:
        _, tally = read(path, name.partition(".")[2], limit=9, columns=COLUMNS)
    except DataError:
        return
    assert tally.lines == tally.accepted + tally.rejected + tally.skipped.total()


cells = st.sampled_from(
    ["a", "b c", " x ", "", " ", "1", "0.5", "+2", "1e400", "nan", "-1", "1_0", "#", "\u3000", "\x1c", "é"]
)
rows = st.lists(st.lists(cells, max_size=6), max_size=8)


def naive(rows, places, least, most):
    records, verdicts = [], {"accepted": 0, "rejected": 0, "blank line": 0, "comment": 0}
    for fields in rows:
        line = "\t".join(fields)
        stripped = [field.strip() for field in fields]
        values = [stripped[place] if place < len(fields) else None for place in places]
        if line.startswith("#"):
            verdict = "comment"
        elif not line.strip():
            verdict = "blank line"
        else:
            try:
                weight = 1.0 if values[3] is None else float(values[3])
            except ValueError:
                weight = 0.0
            good = least <= len(fields) <= most and all(values[:3]) and MIN_WEIGHT <= weight <= MAX_WEIGHT
            verdict = "accepted" if good else "rejected"
            if good:
                records.append(Triple(*values[:3], weight))
        verdicts[verdict] += 1
    return records, verdicts


@settings(max_examples=200)
@given(rows, st.permutations(range(5)), st.booleans(), st.sampled_from([1, 1 << 20]))
def test_all_is_as_the_naive_reader_says(tmp_path_factory, rows, order, mapped, size):
    path = tmp_path_factory.getbasetemp() / "naive.tsv"
    path.write_text("".join("\t".join(row or [""]) + "\n" for row in rows), encoding="utf-8", newline="")
    places = order[:4] if mapped else [0, 1, 2, 3]
    columns = dict(zip(("head", "relation", "tail", "weight"), places, strict=True)) if mapped else None
    least, most = (max(places) + 1, 99) if mapped else (3, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", size)
        records, tally = read(path, "tsv", limit=99, columns=columns, header=False)
    expected, verdicts = naive([row or [""] for row in rows], places, least, most)
    assert records == expected
    assert {"accepted": tally.accepted, "rejected": tally.rejected, **tally.skipped} == {
        name: count for name, count in verdicts.items() if count or name in {"accepted", "rejected"}
    }


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5).filter(
    lambda text: text == text.strip()
)


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=6))
def test_valid_csv_round_trips(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "valid.csv"
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["head", "relation", "tail"], *rows])
    path.write_bytes(buffer.getvalue().encode())
    assert read(path)[0] == [Triple(*row) for row in rows]
