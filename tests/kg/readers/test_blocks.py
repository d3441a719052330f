import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.kg.readers.blocks import ahead, read_field_blocks, strings
from kglm.kg.tally import Tally

pieces = st.sampled_from(
    [b"a", b"bc", b"\t", b"\t", b"\n", b"\n", b"\r", b"\r\n", "é".encode(), "日本".encode(), "\U0001f600".encode(),
     b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\0", b"12345678"]
)  # fmt: skip


def is_utf8(line):
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.lists(pieces, max_size=60).map(b"".join) | st.binary(max_size=60), st.integers(1, 4), st.integers(1, 40))
def test_lines_and_fields_are_those_of_the_naive_reader(tmp_path_factory, content, columns, size):
    if content.startswith((b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd")):
        return
    path = tmp_path_factory.getbasetemp() / "blocks.tsv"
    path.write_bytes(content)
    expected = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    expected = [line.rstrip(b"\r") for line in (expected[:-1] if expected[-1] == b"" else expected)]
    tally, seen = Tally(), 0
    for block in read_field_blocks(path, tally, columns, size=size):
        assert block.first_line == seen + 1
        for row in range(len(block)):
            line = expected[seen]
            seen += 1
            assert block.line(row) == line
            assert block.utf8[row] == is_utf8(line)
            assert block.counts[row] == line.count(b"\t") + 1
            if not block.utf8[row]:
                continue
            fields = line.decode().split("\t")
            for field in range(columns):
                found = block.column(field, np.array([row])).to_pylist()
                assert found == [fields[field] if field < len(fields) else None]
    assert seen == len(expected) == tally.lines


def test_slices_become_strings():
    data = np.frombuffer("aéb".encode(), dtype=np.uint8)
    found = strings(data, np.array([0, 1, 3, 0]), np.array([1, 3, 4, 0]), np.array([True, True, True, False]))
    found.validate(full=True)
    assert found.to_pylist() == ["a", "é", "b", None]


def test_errors_of_the_reading_thread_come_in_their_place():
    def items():
        yield 1
        raise ValueError("broken")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)


def test_a_reader_that_is_left_early_ends_its_thread(tmp_path):
    (tmp_path / "x.tsv").write_text("a\n" * 1000)
    blocks = read_field_blocks(tmp_path / "x.tsv", Tally(), 1, size=10)
    next(blocks)
    blocks.close()
