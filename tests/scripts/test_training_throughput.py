"""The benchmark of training steps runs, and its last line is what it promises."""

import json
import sys
from pathlib import Path

from small_world import write_small_world

SCRIPTS = Path(__file__).parents[2] / "scripts" / "benchmark"


def test_last_line_is_the_figures(capsys, monkeypatch, tmp_path, tiny_encoder) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import training_throughput

    write_small_world(tmp_path)
    for module, name in (
        (training_throughput.answering_model, "label_table"),
        (training_throughput.kglm.cli.fusion, "text_table"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name))  # put back afterwards
    monkeypatch.setattr(training_throughput, "keep_freed_memory", lambda: True)
    options = ["--data-dir", str(tmp_path), "--encoder", str(tiny_encoder), "--batch", "4", "--turns", "2"]
    monkeypatch.setattr(sys, "argv", ["training_throughput.py", *options, "--full", "csqa_kagnet"])
    assert training_throughput.main() == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (len(figures["text_seconds"]), len(figures["full_seconds"])) == (2, 2)
    ratio = sum(figures["text_seconds"]) / sum(figures["full_seconds"])
    assert abs(figures["ratio_full_vs_text"] - ratio) < 0.01 * (1 + ratio)
    assert figures["peak_mb"] > 0


def test_missing_data_are_told(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import training_throughput

    monkeypatch.setattr(sys, "argv", ["training_throughput.py", "--data-dir", str(tmp_path / "none")])
    monkeypatch.setattr(training_throughput, "keep_freed_memory", lambda: True)
    assert training_throughput.main() == 1
    assert capsys.readouterr().err.startswith("error: ")
