import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.inspection.separation import separate

coordinate = st.floats(-50, 50)
length = st.floats(0.1, 30)


def overlaps(centers, sizes):
    return [
        (i, j)
        for i in range(len(centers))
        for j in range(i)
        if (2 * np.abs(centers[i] - centers[j]) < sizes[i] + sizes[j] - 1e-6).all()
    ]


@given(st.lists(st.tuples(coordinate, coordinate, length, length), max_size=25))
def test_no_two_boxes_overlap(boxes):
    values = np.array(boxes, dtype=float).reshape(-1, 4)
    moved = separate(values[:, :2], values[:, 2:], gap=1.0)
    assert not overlaps(moved, values[:, 2:] + 1.0)


def test_boxes_that_do_not_overlap_stay():
    centers = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    assert np.array_equal(separate(centers, np.full((3, 2), 5.0)), centers)


def test_boxes_in_one_place_part():
    moved = separate(np.zeros((40, 2)), np.full((40, 2), 2.0))
    assert not overlaps(moved, np.full((40, 2), 2.0))


def test_two_boxes_part_along_the_smaller_overlap_by_as_much():
    moved = separate(np.array([[0.0, 0.0], [1.0, 9.0]]), np.full((2, 2), 10.0))
    assert moved[:, 0].tolist() == [0.0, 1.0]
    assert moved[:, 1] == pytest.approx([-0.5, 9.5], abs=1e-4)
