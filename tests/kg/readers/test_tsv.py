import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT, Triple
from kglm.kg.tally import Tally

SAMPLE = """head\trelation\ttail\tweight
# a remark
bread\tMadeOf\tflour\t2.5

oven \tUsedFor\t bake bread\t1
yeast\tUsedFor\tdough
"""
EXPECTED = [
    Triple("bread", "MadeOf", "flour", 2.5),
    Triple("oven", "UsedFor", "bake bread", 1.0),
    Triple("yeast", "UsedFor", "dough", 1.0),
]


def read_one_by_one(*arguments):
    return one_by_one(read_records(*arguments))


@pytest.mark.parametrize("name", ["x.tsv", "x.txt", "x.tsv.gz"])
def test_triples_are_read_plain_and_compressed(tmp_path, name):
    content = SAMPLE.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    tally = Tally()
    assert list(read_one_by_one(tmp_path / name, tally)) == EXPECTED
    assert tally.counts() | {"unit": "line"} == {
        "unit": "line",
        "lines": 6,
        "accepted": 3,
        "skipped": {"blank line": 1, "comment": 1, "header": 1},
        "rejected": 0,
    }


def test_a_file_without_header_loses_no_line(tmp_path):
    (tmp_path / "x.tsv").write_text("a\tr\tb\nhead\trelation\ttail\n")
    assert list(read_one_by_one(tmp_path / "x.tsv", Tally())) == [
        Triple("a", "r", "b"),
        Triple(*"head relation tail".split()),
    ]


MALFORMED = {
    "a\tr": "2 tab-separated columns, expected 3 or 4: head relation tail [weight]",
    "a\tr\tb\t1\tx": "5 tab-separated columns, expected 3 or 4: head relation tail [weight]",
    "\tr\tb": "the head is empty",
    "a\t \tb": "the relation is empty",
    "a\tr\t": "the tail is empty",
    "a\tr\tb\tmuch": "weight 'much', expected a positive number (1e-38 to 1e+38)",
}


@pytest.mark.parametrize("line", MALFORMED)
def test_a_malformed_line_is_skipped_and_told(tmp_path, line):
    path = tmp_path / "x.tsv"
    path.write_text(f"a\tr\tb\n{line}\nc\tr\td\n")
    tally = Tally()
    assert list(read_one_by_one(path, tally)) == [Triple("a", "r", "b"), Triple("c", "r", "d")]
    assert tally.examples == [f"{path}:2: {MALFORMED[line]}"]


def test_the_limit_stops_the_reading(tmp_path):
    (tmp_path / "x.tsv").write_text("a\tr\tb\n" + "bad\n" * 3)
    assert len(list(read_one_by_one(tmp_path / "x.tsv", Tally(limit=3)))) == 1
    with pytest.raises(DataError, match=r"(?s)more than the limit of 2.*x.tsv:2: 1 tab-separated columns"):
        list(read_one_by_one(tmp_path / "x.tsv", Tally(limit=2)))


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r"), min_size=1).filter(
    lambda text: text == text.strip() and not text.startswith(("#", "\ufeff"))
)


@given(st.lists(st.builds(Triple, names, names, names, st.floats(MIN_WEIGHT, MAX_WEIGHT), st.just("")), max_size=8))
def test_valid_rows_round_trip(tmp_path_factory, triples):
    path = tmp_path_factory.getbasetemp() / "valid.tsv"
    rows = ["head\trelation\ttail\tweight", *("\t".join(map(str, triple[:4])) for triple in triples)]
    path.write_text("\n".join(rows), encoding="utf-8", newline="")
    assert list(read_one_by_one(path, Tally(limit=0))) == triples
