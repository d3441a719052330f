from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglm.inspection.evidence_layout import Box, Link, lay_out, spread

sizes = st.tuples(st.floats(1, 150), st.floats(1, 60))


@st.composite
def layered_graphs(draw):
    columns = draw(st.lists(st.integers(0, 4), min_size=2, max_size=14))
    nodes = st.integers(0, len(columns) - 1)
    pairs = draw(st.lists(st.tuples(nodes, nodes), max_size=20, unique=True))
    links = [Link(a, b, draw(sizes), draw(st.floats(1, 12))) for a, b in pairs if columns[a] < columns[b]]
    return columns, [draw(sizes) for _ in columns], links


def inside(point, box, by=1e-6):
    return abs(point[0] - box.x) < box.width / 2 - by and abs(point[1] - box.y) < box.height / 2 - by


@settings(max_examples=50)
@given(layered_graphs())
def test_nothing_overlaps_and_nothing_is_left_out(graph):
    columns, wanted, links = graph
    layout = lay_out(columns, wanted, links)
    assert (len(layout.nodes), len(layout.labels), len(layout.routes)) == (len(columns), len(links), len(links))
    slack = [Box(b.x, b.y, b.width - 1e-6, b.height - 1e-6) for b in (*layout.nodes, *layout.labels)]
    assert not any(one.overlaps(other) for one, other in combinations(slack, 2))
    for box, (width, height) in zip(layout.nodes, wanted, strict=True):
        assert box.width == width
        assert box.height >= height
    assert all(box.left >= -1e-6 and box.right <= layout.width + 1e-6 for box in layout.nodes)
    assert all(box.y - box.height / 2 >= -1e-6 and box.y + box.height / 2 <= layout.height + 1e-6 for box in slack)


@settings(max_examples=50)
@given(layered_graphs())
def test_edges_touch_no_foreign_box(graph):
    columns, wanted, links = graph
    layout = lay_out(columns, wanted, links)
    for index, (link, route) in enumerate(zip(links, layout.routes, strict=True)):
        assert route[0][0] == pytest.approx(layout.nodes[link.source].right)
        assert route[-1][0] == pytest.approx(layout.nodes[link.target].left)
        assert all(a[0] <= b[0] + 1e-6 for a, b in pairwise(route))
        foreign = [box for node, box in enumerate(layout.nodes) if node not in (link.source, link.target)]
        foreign += [box for label, box in enumerate(layout.labels) if label != index]
        for at, ((x0, y0), (x1, y1)) in enumerate(pairwise(route)):
            for t in (0, 0.25, 0.5, 0.75, 1):
                if at % 2 == 0:
                    assert y0 == y1
                    point = (x0 + t * (x1 - x0), y0)
                else:
                    point = (x0 + (1.5 * t * (1 - t) + t**3) * (x1 - x0), y0 + (3 * t**2 - 2 * t**3) * (y1 - y0))
                assert not any(inside(point, box) for box in foreign)


@settings(max_examples=50)
@given(layered_graphs())
def test_columns_stand_from_left_to_right(graph):
    columns, wanted, links = graph
    layout = lay_out(columns, wanted, links)
    for one, other in combinations(range(len(columns)), 2):
        if columns[one] < columns[other]:
            assert layout.nodes[one].right < layout.nodes[other].left
    assert layout == lay_out(columns, wanted, links)


def test_a_crossing_that_need_not_be_is_undone():
    layout = lay_out([0, 0, 1, 1], [(50, 20)] * 4, [Link(0, 3, (30, 10)), Link(1, 2, (30, 10))])
    (a, b, c, d) = layout.nodes
    assert (a.y < b.y) == (d.y < c.y)
    assert [len({y for _, y in route}) for route in layout.routes] == [1, 1], "both edges run level"


def test_a_link_to_the_left_is_refused():
    with pytest.raises(ValueError, match="link 1 → 0"):
        lay_out([0, 1], [(1, 1)] * 2, [Link(1, 0, (1, 1))])


@given(st.lists(st.tuples(st.integers(-50, 50), st.floats(1, 20)), min_size=1, max_size=12))
def test_spread_keeps_order_and_distance_and_moves_no_more_than_needed(rows):
    desired, heights = [float(row) for row, _ in rows], [height for _, height in rows]
    placed = spread(desired, heights, gap=2)
    for at in range(len(rows) - 1):
        assert placed[at + 1] - placed[at] >= (heights[at] + heights[at + 1]) / 2 + 2 - 1e-6
    assert sum(placed) == pytest.approx(sum(desired), abs=1e-6)
    assert spread(placed, heights, gap=2) == pytest.approx(placed)


def test_spread_leaves_what_has_room():
    assert spread([0.0, 30.0, 90.0], [10.0] * 3) == [0.0, 30.0, 90.0]
    assert spread([5.0, 5.0], [10.0, 10.0], gap=2) == [-1.0, 11.0]
