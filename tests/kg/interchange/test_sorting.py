from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.kg.interchange.sorting import sorted_lines

LINES = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=4), max_size=20)


@settings(max_examples=50)
@given(lines=LINES, run_lines=st.integers(1, 7))
def test_lines_come_out_as_sorted_bytes_however_many_fit_in_memory(tmp_path_factory, lines, run_lines):
    folder = tmp_path_factory.getbasetemp()
    before = sorted(folder.iterdir())
    expected = sorted(f"{line}\n".encode() for line in lines)
    assert list(sorted_lines(iter(lines), folder, run_lines)) == expected
    assert sorted(folder.iterdir()) == before
