import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.kg.readers import one_by_one, read_records
from kglm.kg.readers.conceptnet_merged import COLUMNS
from kglm.kg.records import Label, Triple
from kglm.kg.tally import Tally

HEADER = "\t".join(COLUMNS)
SAMPLE = [
    HEADER,
    "a dog\tIsA\tpets\tcn100k=1;cn4=0.5\tdog\tpet",
    "dogs\tCapableOf\tbark\tcn4=2\tdog\tbark",
    "dogs\tIsA\tanimal\tcn4=1\tdog\tanimal",
    "the pet\tAtLocation\thome\tcn4=1\tpet\thome",
]


def read_one_by_one(*arguments):
    return one_by_one(read_records(*arguments))


def write(folder, lines, name="x.tsv"):
    content = "\n".join(lines).encode()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return folder / name


@pytest.mark.parametrize("name", ["x.tsv", "x.tsv.gz"])
def test_weights_are_summed_and_texts_become_labels(tmp_path, name):
    records = list(read_one_by_one(write(tmp_path, SAMPLE, name), Tally(limit=0)))
    assert records[:4] == [
        Triple("dog", "IsA", "pet", 1.5, "cn100k;cn4"),
        Triple("dog", "CapableOf", "bark", 2.0, "cn4"),
        Triple("dog", "IsA", "animal", 1.0, "cn4"),
        Triple("pet", "AtLocation", "home", 1.0, "cn4"),
    ]
    # "dogs" is the most frequent text of dog; "pets" the shortest of pet's.
    assert set(records[4:]) == {
        Label("dog", "a dog", preferred=False, count=1),
        Label("dog", "dogs", preferred=True, count=2),
        Label("pet", "pets", preferred=True, count=1),
        Label("pet", "the pet", preferred=False, count=1),
        Label("bark", "bark", preferred=True, count=1),
        Label("animal", "animal", preferred=True, count=1),
        Label("home", "home", preferred=True, count=1),
    }


def test_labels_of_equal_count_and_length_are_taken_by_alphabet(tmp_path):
    rows = [HEADER, "rat b\tIsA\tx\ta=1\trat\tx", "rat a\tIsA\tx\ta=1\trat\tx"]
    preferred = [r for r in read_one_by_one(write(tmp_path, rows), Tally()) if isinstance(r, Label) and r.preferred]
    assert preferred == [Label("rat", "rat a", True, 1), Label("x", "x", True, 2)]


def test_another_header_is_refused(tmp_path):
    with pytest.raises(
        DataError, match=r"x.tsv:1: the header is \['a', 'b'\], expected \['head', 'relation', 'tail'"
    ):
        list(read_one_by_one(write(tmp_path, ["a\tb"]), Tally(), "conceptnet_merged"))


MALFORMED = {
    "a\tIsA\tb": "3 tab-separated columns, expected 6: head relation tail weights head_norm tail_norm",
    "a\t\tb\tx=1\ta\tb": "the relation is empty",
    "a\tIsA\tb\tx=1\t \tb": "the normalised head is empty",
    "a\tIsA\tb\tx=1\ta\t": "the normalised tail is empty",
    "a\tIsA\tb\tx=1;y\ta\tb": "weight '', expected a positive number (1e-38 to 1e+38)",
    "a\tIsA\tb\tx=-1\ta\tb": "weight '-1', expected a positive number (1e-38 to 1e+38)",
    "a\tIsA\tb\tx=9e37;y=9e37\ta\tb": (
        "weights 'x=9e37;y=9e37', expected a positive number (1e-38 to 1e+38) as their sum"
    ),
}


@pytest.mark.parametrize("line", MALFORMED)
def test_a_malformed_line_is_skipped_and_told(tmp_path, line):
    path = write(tmp_path, [*SAMPLE, line])
    tally = Tally()
    assert sum(isinstance(record, Triple) for record in read_one_by_one(path, tally)) == 4
    assert tally.examples == [f"{path}:6: {MALFORMED[line]}"]


def test_the_limit_stops_the_reading(tmp_path):
    with pytest.raises(DataError, match=r"(?s)more than the limit of 1.*x.tsv:2: 1 tab-separated columns"):
        list(read_one_by_one(write(tmp_path, [HEADER, "bad", "bad"]), Tally(limit=1)))


names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1)


@given(st.lists(st.tuples(names, names, names, names, names, st.floats(0.25, 99)), max_size=6))
def test_valid_rows_round_trip(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "merged.tsv"
    lines = [f"{ht}\t{r}\t{tt}\tcn4={w}\t{h}\t{t}" for ht, r, tt, h, t, w in rows]
    path.write_text("\n".join([HEADER, *lines]), encoding="utf-8", newline="")
    records = list(read_one_by_one(path, Tally(limit=0)))
    assert records[: len(rows)] == [Triple(h, r, t, w, "cn4") for _, r, _, h, t, w in rows]
    texts = {(label.entity, label.text) for label in records[len(rows) :]}
    assert texts == {(h, ht) for ht, _, _, h, _, _ in rows} | {(t, tt) for _, _, tt, _, t, _ in rows}
    preferred = [label.entity for label in records[len(rows) :] if label.preferred]
    assert sorted(preferred) == sorted({label.entity for label in records[len(rows) :]})
