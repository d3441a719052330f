from hypothesis import given
from hypothesis import strategies as st

from kglm.inspection.evidence_layout import Box
from kglm.inspection.free_places import TakenPlaces

boxes = st.builds(Box, st.floats(-300, 300), st.floats(-300, 300), st.floats(0.5, 150), st.floats(0.5, 150))


@given(st.lists(boxes, max_size=12), boxes)
def test_free_is_what_overlaps_none(standing, box):
    assert TakenPlaces(standing).is_free(box) == (not any(box.overlaps(other) for other in standing))


def test_the_first_free_place_is_taken():
    taken = TakenPlaces([Box(0, 0, 10, 10)])
    assert taken.take_first_free([Box(3, 3, 4, 4), Box(20, 0, 4, 4)]) == Box(20, 0, 4, 4)
    assert taken.take_first_free([Box(20, 0, 4, 4)]) is None
