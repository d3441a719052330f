import json

from kglm.training import JsonlTracker, TensorBoardTracker


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def record(tracker, first, steps):
    tracker.start({"seed": 0}, first)
    for step in steps:
        tracker.log({"train/loss": step / 2}, step)
    tracker.close()


def test_jsonl_goes_on_where_the_checkpoint_was(tmp_path):
    path = tmp_path / "metrics.jsonl"
    record(JsonlTracker(path), 0, [1, 2, 3])
    path.write_text(path.read_text() + '{"step": 4, "tr')
    record(JsonlTracker(path), 2, [3])
    assert rows(path) == [{"step": i, "train/loss": i / 2} for i in (1, 2, 3)]
    record(JsonlTracker(path), 0, [1])
    assert rows(path) == [{"step": 1, "train/loss": 0.5}]


def test_tensorboard_can_read_what_was_written(tmp_path):
    record(TensorBoardTracker(tmp_path), 0, [1, 2, 3])
    record(TensorBoardTracker(tmp_path), 2, [3])
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(1, 0.5), (2, 1.0), (3, 1.5)]


def test_closing_what_never_started_is_harmless(tmp_path):
    JsonlTracker(tmp_path / "x").close()
    TensorBoardTracker(tmp_path).close()
