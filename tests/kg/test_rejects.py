import pytest

from kglm.errors import DataError
from kglm.kg.rejects import EXAMPLES_KEPT, Rejects


def test_nothing_rejected_has_no_summary():
    assert Rejects().summary() == ""


def test_the_summary_names_the_first_place(tmp_path):
    rejects = Rejects(path=tmp_path / "x.tsv", line=7)
    rejects.reject("bad")
    rejects.line = 9
    rejects.reject("worse")
    assert rejects.summary() == f"2 line(s) of '{tmp_path}/x.tsv' skipped, the first: {tmp_path}/x.tsv:7: bad"


def test_one_more_than_the_limit_stops_and_shows_the_first_ones():
    rejects = Rejects(limit=EXAMPLES_KEPT + 5)
    for line in range(rejects.limit):
        rejects.line = line
        rejects.reject(f"reason {line}")
    with pytest.raises(DataError, match=r"16 lines of '\.' cannot be used, more than the limit of 15") as caught:
        rejects.reject("the last straw")
    assert str(caught.value).count("reason") == EXAMPLES_KEPT
