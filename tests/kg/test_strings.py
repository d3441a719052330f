import os

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.kg import strings as strings_module
from kglm.kg.store import ArrayStore, StoreWriter
from kglm.kg.strings import BLOCK, StringTable, write_strings

texts = st.text(st.characters(exclude_categories=["Cs"]))
# Long enough for several blocks, of few letters so that much is shared.
many = st.lists(st.text("abé\U0001f600", max_size=6), max_size=5 * BLOCK)


@pytest.fixture(scope="module")
def table_of(tmp_path_factory):
    """A function that writes a table, by parts of a given size, and opens it."""

    def make(strings, part=7):
        folder = tmp_path_factory.mktemp("table")
        store = StoreWriter(folder)
        parts = (pa.array(strings[at : at + part], pa.string()) for at in range(0, len(strings), part))
        length = write_strings(store, "names", parts)
        assert length == len(strings)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "fsync", lambda descriptor: None)
            store.seal()
        return StringTable.open(ArrayStore(folder, store.specs), "names", length)

    return make


@given(st.lists(texts) | many)
def test_strings_come_back_in_their_order(table_of, strings):
    table = table_of(strings)
    assert len(table) == len(strings)
    assert list(table) == strings
    assert [table[i] for i in range(len(strings))] == strings


@given(many, st.data())
def test_strings_are_taken_in_bulk(table_of, strings, data):
    table = table_of(strings)
    start = data.draw(st.integers(0, len(strings)))
    stop = data.draw(st.integers(start, len(strings)))
    assert table.slice(start, stop).to_pylist() == strings[start:stop]
    if strings:
        wanted = data.draw(st.lists(st.integers(0, len(strings) - 1)))
        assert table.take(np.array(wanted, dtype=np.int32)) == [strings[i] for i in wanted]


@given(st.sets(texts) | many.map(set), texts)
def test_find_agrees_with_a_list(table_of, strings, other):
    ordered = sorted(strings)
    table = table_of(ordered)
    for index, string in enumerate(ordered):
        assert table.find(string) == index
    assert table.find(other) == (ordered.index(other) if other in strings else -1)


@given(many.map(set), st.text("abé\U0001f600", max_size=3))
def test_a_prefix_gives_the_range_of_its_strings(table_of, strings, prefix):
    ordered = sorted(strings)
    low, high = table_of(ordered).prefix_range(prefix)
    assert ordered[low:high] == [string for string in ordered if string.startswith(prefix)]


def test_strings_beyond_the_first_plane_are_found_in_code_point_order(table_of):
    strings = sorted(["\uffff", "\U0001f600", "z", "é", ""])
    table = table_of(strings)
    assert [table.find(string) for string in strings] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("length", [127, 128, 300, 20_000])
def test_long_strings_grow_what_they_are_decoded_into(table_of, length):
    strings = ["a" * length, "a" * length + "b", "c", "d" * length]
    table = table_of(strings)
    assert [*table] == strings == table.take(range(4)) == [table[i] for i in range(4)]
    assert table.find("a" * length + "b") == 1


def test_many_chunks_are_written_and_read(table_of, monkeypatch):
    monkeypatch.setattr(strings_module, "CHUNK", 2 * BLOCK)
    strings = [f"entity {i:04}" for i in range(3 * BLOCK * 5 + 1)]
    for part in (1, BLOCK, 1000):
        assert list(table_of(strings, part)) == strings


def test_half_a_surrogate_pair_is_in_no_table(table_of):
    assert table_of(["a"]).find("\ud800") == -1
    assert table_of(["a"]).prefix_range("\ud800") == (0, 0)


def test_a_null_is_refused(tmp_path):
    with pytest.raises(ValueError, match="a string of the table 'names' is null"):
        write_strings(StoreWriter(tmp_path), "names", [pa.array(["a", None])])


def test_a_sorted_vocabulary_takes_less_than_its_text(table_of):
    strings = [f"concept_number_{i:06}" for i in range(5000)]
    table = table_of(strings)
    assert table._data.nbytes + table._blocks.nbytes < sum(map(len, strings)) / 3


@pytest.mark.parametrize("index", [-1, 2])
def test_an_index_outside_is_refused(table_of, index):
    table = table_of(["a", "b"])
    with pytest.raises(IndexError, match=f"index {index} outside a table of 2 strings"):
        table[index]
    with pytest.raises(IndexError, match="outside a table of 2 strings"):
        table.take([0, index])
    with pytest.raises(IndexError, match="outside a table of 2 strings"):
        table.slice(index, 3)
