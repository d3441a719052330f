from hypothesis import given
from hypothesis import strategies as st

from kglm.inspection.evidence_text import clean, measure, shorten, undrawable, wrap


@given(st.text(st.sampled_from("ab ciø京-"), max_size=60), st.integers(2, 12), st.integers(1, 4))
def test_lines_fit_and_hold_the_text(text, width, max_lines):
    lines = wrap(text, width, max_lines, len)
    assert 1 <= len(lines) <= max_lines
    assert all(len(line) <= width for line in lines)
    whole = clean(text).replace(" ", "")
    if lines[-1].endswith("…"):
        assert whole.startswith("".join(lines)[:-1].replace(" ", ""))
    else:
        assert "".join(lines).replace(" ", "") == whole


def test_wrap_breaks_between_words_where_it_can():
    assert wrap("plant many flowers", 11, 3, len) == ["plant many", "flowers"]
    assert wrap("plant manyflowers", 6, 3, len) == ["plant", "manyfl", "owers"]
    assert wrap("one two three four", 5, 2, len) == ["one", "two…"]


def test_shorten_puts_an_ellipsis_only_where_needed():
    assert shorten("flowers", 7, len) == "flowers"
    assert shorten("flowers grow", 9, len) == "flowers…"


def test_clean_removes_what_xml_cannot_hold():
    assert clean(" a\x00b\n\tc\ud800 ") == "ab c"


def test_measure_knows_no_mathematics():
    width = measure(10.0)
    assert width("$x$") > width("x") + 2
    assert width("") == 0
    assert measure(10.0, bold=True)("flowers") > width("flowers")


def test_undrawable_names_what_no_font_has():
    assert undrawable("Zürich \n") == ""
    assert undrawable("a\U000f0000") == "\U000f0000"
