import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.kg.readers.lines import parse_weight, read_lines
from kglm.kg.records import MAX_WEIGHT, MIN_WEIGHT
from kglm.kg.tally import Tally


@pytest.mark.parametrize("name", ["x.tsv", "x.tsv.gz"])
def test_lines_come_without_their_ends_and_with_their_place(tmp_path, name):
    content = "\ufeffone\r\ntwo\u2028still two\n\nlast".encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    tally = Tally()
    read = [(tally.line, line) for line in read_lines(path, tally)]
    assert read == [(1, "one"), (2, "two\u2028still two"), (3, ""), (4, "last")]
    assert tally.path == path


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "facts.tsv").write_text("")
    with pytest.raises(DataError, match=r"graph source '.*fact.tsv' does not exist; did you mean 'facts.tsv'\?"):
        list(read_lines(tmp_path / "fact.tsv", Tally()))


def test_bytes_that_are_not_utf8_are_named_by_their_own_line(tmp_path):
    (tmp_path / "x.tsv").write_bytes(b"one\ntwo\nthree\nfo\xffur\nfive\n")
    tally = Tally()
    assert list(read_lines(tmp_path / "x.tsv", tally)) == ["one", "two", "three", "five"]
    assert tally.examples == [f"{tmp_path}/x.tsv:4: not UTF-8 text (invalid start byte)"]
    assert (tally.lines, tally.rejected) == (5, 1)


@given(cut=st.integers(0, 60), flipped=st.none() | st.integers(0, 60))
def test_a_damaged_compressed_file_is_a_data_error_or_whole(tmp_path_factory, cut, flipped):
    text = "".join(f"line {number}\n" for number in range(9))
    whole = bytearray(gzip.compress(text.encode(), mtime=0))
    if flipped is not None:
        whole[flipped % len(whole)] ^= 0xFF
    path = tmp_path_factory.getbasetemp() / "damaged.tsv.gz"
    path.write_bytes(whole[: len(whole) - cut])
    try:
        lines = list(read_lines(path, Tally()))
    except DataError:
        return
    assert lines == text.splitlines()


@given(st.floats(MIN_WEIGHT, MAX_WEIGHT))
def test_a_weight_that_can_be_stored_is_taken(weight):
    tally = Tally()
    assert parse_weight(repr(weight), tally) == weight
    assert tally.rejected == 0


@pytest.mark.parametrize("text", ["", "heavy", "0", "-1", "nan", "inf", "1e39", "1e-50", "1e999"])
def test_any_other_weight_is_rejected(text):
    tally = Tally()
    assert parse_weight(text, tally) is None
    assert f"weight '{text}', expected a positive number (1e-38 to 1e+38)" in tally.examples[0]
