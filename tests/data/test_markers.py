from hypothesis import given
from hypothesis import strategies as st

from kglm.data.markers import insert_markers

PAIRS = [("<a>", "</a>"), ("<b>", "</b>")]


def test_markers_stand_around_their_spans():
    text, spans = insert_markers("New York is big", [(12, 15), (0, 8)], PAIRS)
    assert text == "<b> New York </b> is <a> big </a>"
    assert [text[slice(*span)] for span in spans] == ["big", "New York"]


def test_nested_touching_and_same_spans():
    assert insert_markers("New York", [(0, 8), (0, 3)], PAIRS)[0] == "<a> <b> New </b> York </a>"
    assert insert_markers("New York", [(4, 8), (0, 8)], PAIRS)[0] == "<b> New <a> York </a> </b>"
    assert insert_markers("overhead", [(0, 4), (4, 8)], PAIRS)[0] == "<a> over </a><b> head </b>"
    assert insert_markers("York", [(0, 4), (0, 4)], PAIRS)[0] == "<a> <b> York </b> </a>"
    assert insert_markers("York", [(0, 4)], [("", "")]) == ("York", [(0, 4)])


@given(st.data())
def test_what_is_marked_is_what_was_asked_for(data):
    text = data.draw(st.text("ab c", min_size=1, max_size=10))
    span = st.integers(0, len(text) - 1).flatmap(lambda s: st.tuples(st.just(s), st.integers(s + 1, len(text))))
    spans = data.draw(st.lists(span, max_size=2))
    marked, places = insert_markers(text, spans, PAIRS)
    plain = marked
    for before, behind in PAIRS:
        plain = plain.replace(f"{before} ", "").replace(f" {behind}", "")
    assert plain == text
    for (start, end), (first, last), (before, behind) in zip(spans, places, PAIRS, strict=False):
        assert marked[:first].endswith(f"{before} ")
        assert marked[last:].startswith(f" {behind}")
        inner = marked[first:last]
        for b, e in PAIRS:
            inner = inner.replace(f"{b} ", "").replace(f" {e}", "")
        assert inner == text[start:end]
