import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from kglm.errors import GraphError
from kglm.kg.store import CHECKED, ArrayStore, StoreWriter, specs_from_json, specs_to_json

VALUES = {
    "a": np.arange(5, dtype=np.int32),
    "b.c": np.array([], dtype=np.float32),
    "d": np.array([7], dtype=np.uint8),
}


@pytest.fixture
def stored(tmp_path):
    """A store of three arrays, and their specifications."""
    writer = StoreWriter(tmp_path)
    for name, values in VALUES.items():
        writer.write(name, values)
    writer.seal()
    return tmp_path, writer.specs


def flip(path, position=-1):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(bytes(content))


@given(
    arrays.arrays(st.sampled_from([np.int32, np.float32, np.uint8, np.int64]), st.integers(0, 50)), st.integers(0, 50)
)
def test_an_array_written_in_pieces_is_what_numpy_reads(tmp_path_factory, values, cut):
    folder = tmp_path_factory.mktemp("store")
    writer = StoreWriter(folder)
    with writer.array("x", values.dtype) as array:
        array.append(values[:cut])
        array.append(values[cut:])
    np.testing.assert_array_equal(np.load(folder / "x.npy"), values)
    assert (folder / "x.npy").stat().st_size == writer.specs["x"].file_size


def test_arrays_are_mapped_read_only(stored):
    store = ArrayStore(*stored)
    for name, values in VALUES.items():
        assert store[name].dtype == values.dtype
        np.testing.assert_array_equal(store[name], values)
        assert not store[name].flags.writeable
        assert not store[name].flags.owndata
    assert store["a"] is store["a"]
    assert store.get("a") is store["a"]
    assert store.get("z") is None
    assert store.nbytes("a") == 20
    assert store.nbytes() == 21


def test_specifications_survive_json(stored):
    _, specs = stored
    assert specs_from_json(json.loads(json.dumps(specs_to_json(specs)))) == specs


def test_untouched_files_are_not_read_again(stored, monkeypatch):
    monkeypatch.setattr(ArrayStore, "problems", lambda self: pytest.fail("the files were read"))
    ArrayStore(*stored)


@pytest.mark.parametrize("position", [0, 8, 100, 128, -1])
def test_a_changed_file_is_refused(stored, position):
    folder, specs = stored
    flip(folder / "a.npy", position)
    with pytest.raises(
        GraphError, match=r"damaged: the content of 'a.npy' is not what was written .*; build it again"
    ):
        ArrayStore(folder, specs)
    assert list(ArrayStore(folder, specs, check=False).problems()) == [
        "the content of 'a.npy' is not what was written (SHA-256 differs)"
    ]


@pytest.mark.parametrize("kept", [0, 1, 127, 128, -1])
def test_a_truncated_file_is_refused(stored, kept):
    folder, specs = stored
    (folder / "a.npy").write_bytes((folder / "a.npy").read_bytes()[:kept])
    with pytest.raises(GraphError, match=r"damaged: 'a.npy' has \d+ bytes, expected 148; build it again"):
        ArrayStore(folder, specs)


def test_a_missing_file_is_refused(stored):
    folder, specs = stored
    (folder / "d.npy").unlink()
    with pytest.raises(GraphError, match=r"damaged: 'd.npy' is missing; build it again"):
        ArrayStore(folder, specs)
    assert list(ArrayStore(folder, specs, check=False).problems()) == ["'d.npy' is missing"]


@pytest.mark.parametrize("content", [None, "{", "{}", "[1]"])
def test_without_a_record_all_files_are_checked_once(stored, content, monkeypatch):
    folder, specs = stored
    (folder / CHECKED).unlink() if content is None else (folder / CHECKED).write_text(content)
    ArrayStore(folder, specs)
    monkeypatch.setattr(ArrayStore, "problems", lambda self: pytest.fail("the files were read again"))
    ArrayStore(folder, specs)


def test_a_touched_file_that_is_still_right_is_accepted(stored):
    folder, specs = stored
    os.utime(folder / "a.npy", ns=(1, 1))
    np.testing.assert_array_equal(ArrayStore(folder, specs)["a"], VALUES["a"])


def test_a_folder_that_cannot_be_written_to_is_checked_each_time(stored, monkeypatch):
    folder, specs = stored
    (folder / CHECKED).unlink()

    def refuse(*args, **kwargs):
        raise PermissionError("read-only")

    monkeypatch.setattr("kglm.kg.store.atomic_write_json", refuse)
    for _ in range(2):
        np.testing.assert_array_equal(ArrayStore(folder, specs)["a"], VALUES["a"])
    flip(folder / "a.npy")
    with pytest.raises(GraphError, match="is not what was written"):
        ArrayStore(folder, specs)


def test_an_array_is_no_part_of_the_store_when_its_writing_fails(tmp_path):
    writer = StoreWriter(tmp_path)
    with pytest.raises(RuntimeError, match="broke"), writer.array("x", np.int32):
        raise RuntimeError("broke")
    assert writer.specs == {}


def test_the_record_of_another_content_is_not_believed(tmp_path, stored):
    """Files and record of one graph beside the manifest of another, all of the same sizes."""
    _, specs = stored
    other = tmp_path / "other"
    other.mkdir()
    writer = StoreWriter(other)
    for name, values in VALUES.items():
        writer.write(name, values[::-1].copy() if name == "a" else values)
    writer.seal()
    with pytest.raises(GraphError, match=r"the content of 'a\.npy' is not what was written"):
        ArrayStore(other, specs)


def test_a_change_within_the_tick_of_a_coarse_clock_is_noticed(tmp_path):
    writer = StoreWriter(tmp_path)
    writer.write("a", VALUES["a"])
    written = (tmp_path / "a.npy").stat().st_mtime_ns
    writer.seal()
    flip(tmp_path / "a.npy")
    os.utime(tmp_path / "a.npy", ns=(written, written))
    with pytest.raises(GraphError, match="is not what was written"):
        ArrayStore(tmp_path, writer.specs)


def test_files_that_have_just_changed_are_checked_again_the_next_time(stored):
    folder, specs = stored
    os.utime(folder / "a.npy")
    ArrayStore(folder, specs)
    changed = (folder / "a.npy").stat().st_mtime_ns
    flip(folder / "a.npy")
    os.utime(folder / "a.npy", ns=(changed, changed))
    with pytest.raises(GraphError, match="is not what was written"):
        ArrayStore(folder, specs)


def test_a_change_with_the_time_put_back_is_noticed(stored):
    folder, specs = stored
    before = os.stat(folder / "a.npy")
    flip(folder / "a.npy")
    os.utime(folder / "a.npy", ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(GraphError, match="is not what was written"):
        ArrayStore(folder, specs)
