import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.kg.strings import StringTable

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(texts))
def test_strings_come_back_in_their_order(strings):
    table = StringTable.from_strings(strings)
    assert len(table) == len(strings)
    assert list(table) == strings
    assert [table[i] for i in range(len(strings))] == strings


@given(st.sets(texts), texts)
def test_find_agrees_with_a_list(strings, other):
    table = StringTable.from_strings(sorted(strings))
    for index, string in enumerate(sorted(strings)):
        assert table.find(string) == index
    assert table.find(other) == (sorted(strings).index(other) if other in strings else -1)


def test_strings_beyond_the_first_plane_are_found_in_code_point_order():
    strings = sorted(["\uffff", "\U0001f600", "z", "é", ""])
    table = StringTable.from_strings(strings)
    assert [table.find(string) for string in strings] == [0, 1, 2, 3, 4]


@given(st.lists(texts, max_size=5))
def test_an_opened_table_equals_the_stored_one(tmp_path_factory, strings):
    folder = tmp_path_factory.mktemp("table")
    for stem, values in StringTable.from_strings(strings).arrays("names").items():
        np.save(folder / f"{stem}.npy", values)
    assert list(StringTable.open(folder, "names")) == strings


@pytest.mark.parametrize("index", [-1, 2])
def test_an_index_outside_is_refused(index):
    with pytest.raises(IndexError, match=f"index {index} outside a table of 2 strings"):
        StringTable.from_strings(["a", "b"])[index]
