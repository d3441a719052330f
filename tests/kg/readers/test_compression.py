import bz2
import gzip

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.kg.readers.blocks import read_field_blocks
from kglm.kg.readers.compression import DamagedFileError, open_bytes, plain_suffix
from kglm.kg.readers.lines import read_lines
from kglm.kg.tally import Tally

PACKS = {"gz": gzip.compress, "bz2": bz2.compress, "zst": zstandard.ZstdCompressor().compress}


@pytest.mark.parametrize("pack", PACKS)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_members_one_after_another_are_one_file_whatever_its_name(tmp_path_factory, pack, members):
    path = tmp_path_factory.getbasetemp() / "members.txt"
    path.write_bytes(b"".join(PACKS[pack](member) for member in members))
    with open_bytes(path) as handle:
        assert handle.read() == b"".join(members)


@pytest.mark.parametrize("pack", PACKS)
@given(st.data())
def test_damage_is_told_or_does_no_harm(tmp_path_factory, pack, data):
    lines = [f"line {number}" for number in range(30)]
    whole = bytearray(PACKS[pack]("\n".join(lines).encode()))
    if data.draw(st.booleans(), "flip"):
        whole[data.draw(st.integers(0, len(whole) - 1), "byte")] ^= 1 << data.draw(st.integers(0, 7), "bit")
    else:
        del whole[data.draw(st.integers(0, len(whole) - 1), "cut") :]
    path = tmp_path_factory.getbasetemp() / f"damaged.tsv.{pack}"
    path.write_bytes(whole)
    try:
        found = list(read_lines(path, Tally()))
    except DataError:
        return
    # Zstandard frames bear no checksum by default, so that a flipped bit may go unseen; they are never cut short.
    assert found == lines or pack == "zst"


@pytest.mark.parametrize("pack", PACKS)
def test_a_file_cut_short_is_named_with_the_line(tmp_path, pack):
    path = tmp_path / "x"
    text = "".join(f"{number * 7919 % 10007}\tr\t{number}\n" for number in range(200_000)).encode()
    path.write_bytes(PACKS[pack](text)[:-9])
    with pytest.raises(DamagedFileError, match=r"x:\d+: the compressed file is damaged \(it ends in the middle\)"):
        list(read_lines(path, Tally()))
    with pytest.raises(DamagedFileError, match=r"x:\d+: the compressed file is damaged \(it ends in the middle\)"):
        list(read_field_blocks(path, Tally(), 3, size=1 << 16))


@pytest.mark.parametrize(("content", "found"), [(b"plain", "its content is not"), (b"", "it is empty")])
def test_a_name_that_promises_compression_must_keep_it(tmp_path, content, found):
    (tmp_path / "x.tsv.gz").write_bytes(content)
    with pytest.raises(DamagedFileError, match=f"x.tsv.gz: .* damaged .so its name says, but {found}"):
        open_bytes(tmp_path / "x.tsv.gz")


def test_padding_of_zeros_is_passed_over(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"a") + bytes(600_000))
    with open_bytes(tmp_path / "x.gz") as handle:
        assert handle.read() == b"a"
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"a") + bytes(300_000) + b"xy")
    with open_bytes(tmp_path / "x.gz") as handle, pytest.raises(DamagedFileError, match="incorrect header check"):
        handle.read()


def test_the_ending_beneath_a_compression(tmp_path):
    assert [plain_suffix(tmp_path / name) for name in ("a.TSV.gz", "a.b.tsv.zst", "a.tsv", "a.gz", "a")] == [
        ".tsv", ".tsv", ".tsv", "", "",
    ]  # fmt: skip
