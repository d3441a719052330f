import numpy as np
import pytest
from made_runs import write_run

from kglm.errors import DataError
from kglm.inspection.report.experiments import group_runs
from kglm.inspection.report.runs import find_runs


def grouped(place):
    return [(one.name, one.seeds) for one in group_runs(find_runs([place]))]


def test_runs_are_found_below_and_grouped_by_all_but_the_seed(tmp_path):
    for seed in (1, 0):
        write_run(tmp_path / "a" / f"seed{seed}", [1, 0], seed=seed, trainer={"encoder_lr": 1.0})
        write_run(tmp_path / "b" / f"seed{seed}", [1, 1], seed=seed, trainer={"encoder_lr": 2.0})
    write_run(tmp_path / "c", [0, 0], name="kagnet")
    experiments = group_runs(find_runs([tmp_path, tmp_path / "c"]))
    assert [(one.name, one.seeds) for one in experiments] == [
        ("text trainer.encoder_lr=1.0", (0, 1)),
        ("text trainer.encoder_lr=2.0", (0, 1)),
        ("kagnet", (0,)),
    ]
    correct = experiments[1].correctness("test", ["q1", "q0"])
    assert np.array_equal(correct, np.ones((2, 2), dtype=bool))
    assert experiments[0].correctness("test", ["q1", "q0"]).tolist() == [[False, True]] * 2


def test_an_option_that_an_older_run_does_not_know_is_off(tmp_path):
    write_run(tmp_path / "old", [1], seed=0, graph={"name": "pairs"})
    write_run(tmp_path / "new", [1], seed=1, graph={"name": "pairs", "shuffle_seed": None}, trainer={"fsdp": False})
    write_run(tmp_path / "on", [1], seed=2, graph={"name": "pairs", "shuffle_seed": 0})
    assert sorted(grouped(tmp_path)) == [
        ("text", (0, 1)),
        ("text graph.shuffle_seed=0", (2,)),
    ]


def test_a_name_holds_no_more_settings_than_tell_it_from_the_others(tmp_path):
    facts = {"facts": {"source": "retrieved", "max_facts": 3, "corpora": {"triples": {"candidates": 20}}}}
    write_run(tmp_path / "a", [1], trainer={"encoder_lr": 1.0})
    write_run(tmp_path / "b", [1], trainer={"encoder_lr": 2.0})
    write_run(tmp_path / "c", [1], trainer={"encoder_lr": 1.0}, **facts)
    assert [name for name, _ in grouped(tmp_path)] == [
        "text trainer.encoder_lr=1.0",
        "text trainer.encoder_lr=2.0",
        "text facts.source=retrieved trainer.encoder_lr=1.0",
    ]


def test_how_a_run_went_does_not_set_it_apart(tmp_path):
    write_run(tmp_path / "a", [1], seed=0, trainer={"num_threads": 2, "encoder_lr": 1.0}, workers=1)
    write_run(tmp_path / "b", [1], seed=1, trainer={"resume": True, "encoder_lr": 1.0}, workers=2)
    assert grouped(tmp_path) == [("text", (0, 1))]


def test_files_are_compared_by_what_they_hold(tmp_path):
    for seed, content in enumerate(("x", "x", "y")):
        for kind in ("file", "folder"):
            (tmp_path / kind / str(seed)).mkdir(parents=True)
            (tmp_path / kind / str(seed) / "map.tsv").write_text(content)
            source = tmp_path / kind / str(seed) / ("map.tsv" if kind == "file" else "")
            write_run(tmp_path / kind / f"run{seed}", [1], seed=seed, name=kind, graph={"source": str(source)})
    for kind in ("file", "folder"):
        assert [seeds for _, seeds in grouped(tmp_path / kind)] == [(0, 1), (2,)]


@pytest.mark.parametrize("place", ["", "best"])
def test_seeds_that_start_from_seeds_of_another_experiment_are_one_experiment(tmp_path, place):
    for seed in (0, 1, 2):
        start = write_run(tmp_path / f"text{seed}", [1], seed=seed, trainer={"encoder_lr": 0.5 if seed == 2 else 1.0})
        (start / "best").mkdir()
        checkpoint = str(start / place)
        write_run(tmp_path / f"kagnet{seed}", [1], seed=seed, name="kagnet", encoder={"checkpoint": checkpoint})
    assert grouped(tmp_path)[:2] == [
        (f"kagnet encoder.checkpoint={tmp_path / 'text0' / place}".rstrip("/"), (0, 1)),
        (f"kagnet encoder.checkpoint={tmp_path / 'text2' / place}".rstrip("/"), (2,)),
    ]


def test_a_run_that_names_itself_as_its_start_is_itself(tmp_path):
    for seed in (0, 1):
        folder = tmp_path / f"run{seed}"
        write_run(folder, [1], seed=seed, encoder={"checkpoint": str(folder)})
    assert [seeds for _, seeds in grouped(tmp_path)] == [(0,), (1,)]


def test_two_runs_of_one_seed_are_refused(tmp_path):
    for name in ("a", "b"):
        write_run(tmp_path / name, [1], seed=3)
    with pytest.raises(DataError, match="are the same experiment with seed 3"):
        group_runs(find_runs([tmp_path]))
