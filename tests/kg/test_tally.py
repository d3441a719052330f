import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglm.errors import DataError
from kglm.kg.tally import EXAMPLES_KEPT, TEXT_KEPT, Tally


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_nothing_rejected_has_no_summary():
    assert Tally(lines=3, accepted=3).summary() == ""


def test_the_summary_names_the_first_place():
    tally = Tally(path=Path("x.tsv"), line=7, lines=9)
    tally.reject("bad")
    tally.line = 9
    tally.reject("worse")
    assert tally.summary() == "2 of 9 line(s) rejected, the first: x.tsv:7: bad"


def test_one_more_than_the_limit_stops_and_shows_the_first_ones():
    tally = Tally(limit=EXAMPLES_KEPT + 5)
    for line in range(tally.limit):
        tally.reject(f"reason {line}", line=line)
    with pytest.raises(DataError, match=r"16 lines of '\.' cannot be used, more than the limit of 15") as caught:
        tally.reject("the last straw")
    assert str(caught.value).count("reason") == EXAMPLES_KEPT


def test_with_a_limit_of_none_the_reason_itself_is_raised():
    with pytest.raises(DataError, match=r"^x.nt:4: no dot$"):
        Tally(limit=0, path=Path("x.nt"), line=4).reject("no dot")


def test_rejected_lines_go_to_the_side_file_with_their_place(tmp_path):
    tally = Tally(path=Path("x.tsv"), line=3, text="current")
    with tally.side_file(tmp_path / "rejected.jsonl"):
        tally.reject("bad")
        tally.reject("long", line=8, text="\ud800é" * TEXT_KEPT)
    tally.reject("after the end")
    assert rows(tmp_path / "rejected.jsonl") == [
        {"path": "x.tsv", "line": 3, "reason": "bad", "text": "current"},
        {"path": "x.tsv", "line": 8, "reason": "long", "text": "\ud800é" * (TEXT_KEPT // 2)},
    ]


def test_the_line_that_breaks_the_limit_is_written_too(tmp_path):
    tally = Tally(limit=0)
    with pytest.raises(DataError), tally.side_file(tmp_path / "rejected.jsonl"):
        tally.reject("bad", line=1)
    assert len(rows(tmp_path / "rejected.jsonl")) == 1


def test_without_rejections_there_is_no_side_file(tmp_path):
    with Tally().side_file(tmp_path / "rejected.jsonl"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_later_verdict_takes_the_place_of_acceptance():
    tally = Tally()
    tally.read(4)
    tally.accept(4)
    tally.drop("dropped by the relation map")
    tally.refuse("unknown relation", line=2)
    tally.drop("nothing", 0)
    tally.require_settled()
    assert tally.counts() == {
        "unit": "line",
        "lines": 4,
        "accepted": 2,
        "skipped": {"dropped by the relation map": 1},
        "rejected": 1,
    }


verdicts = st.lists(st.tuples(st.sampled_from(["accept", "skip", "reject"]), st.integers(0, 5)), max_size=9)


@given(verdicts, st.integers(-2, 2))
def test_every_line_must_be_accounted_for(steps, lost):
    tally = Tally(limit=99)
    for verdict, count in steps:
        for _ in range(count if verdict == "reject" else 0):
            tally.reject("bad")
        if verdict != "reject":
            getattr(tally, verdict)(*(["blank"] if verdict == "skip" else []), count=count)
    tally.read(sum(count for _, count in steps) + lost)
    if lost:
        with pytest.raises(RuntimeError, match="accounted for"):
            tally.require_settled()
    else:
        tally.require_settled()


def test_files_add_up():
    tally = Tally()
    for name in ("a", "b"):
        tally.start(Path(name), unit="row")
        tally.read()
        tally.line = 1
        tally.reject("bad")
    assert tally.examples == ["a:1: bad", "b:1: bad"]
    assert (tally.lines, tally.unit) == (2, "row")
