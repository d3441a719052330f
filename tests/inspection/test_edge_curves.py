import numpy as np

from kglm.inspection.edge_curves import arcs

CENTERS = np.array([[0.0, 0.0], [200.0, 0.0], [100.0, 0.0]])
SIZES = np.array([[40.0, 20.0], [40.0, 20.0], [30.0, 30.0]])


def test_an_arc_leads_from_border_to_border():
    [arc] = arcs([(0, 1)], CENTERS[:2], SIZES[:2], clearance=2.0)
    assert np.allclose(arc.points[0], [22.0, 0.0], atol=0.1)
    assert np.allclose(arc.points[-1], [178.0, 0.0], atol=0.1)


def test_edges_between_the_same_nodes_fan_out_and_keep_their_directions():
    made = arcs([(0, 1), (1, 0), (0, 1)], CENTERS[:2], SIZES[:2])
    middles = [arc.points[len(arc.points) // 2, 1] for arc in made]
    assert len({round(middle) for middle in middles}) == 3
    assert [arc.points[0, 0] < arc.points[-1, 0] for arc in made] == [True, False, True]


def test_an_arc_goes_round_a_box_in_its_way():
    arc = arcs([(0, 1)], CENTERS, SIZES)[0]
    assert not (np.abs(arc.points - CENTERS[2]) < SIZES[2] / 2).all(axis=1).any()


def test_self_loops_differ_and_lie_at_their_box():
    first, second = arcs([(2, 2), (2, 2)], CENTERS, SIZES)
    assert first.loop
    assert np.abs(first.points - CENTERS[2]).max() < 40
    assert np.ptp(second.points, axis=0).max() > np.ptp(first.points, axis=0).max()


def test_boxes_that_touch_still_get_an_arc():
    [arc] = arcs([(0, 1)], np.array([[0.0, 0.0], [41.0, 0.0]]), SIZES[:2])
    assert len(arc.points) >= 2
