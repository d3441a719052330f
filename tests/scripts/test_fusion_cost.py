"""The benchmark of the fusion encoder runs, and its last line is what it promises."""

import json
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts" / "benchmark"
SMALL = "--hidden 64 --layers 2 --batch 2 --tokens 16 --entities 3 --entity-dim 8 --turns 2".split()


def test_last_line_is_the_figures(capsys, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import fusion_cost

    monkeypatch.setattr(sys, "argv", ["fusion_cost.py", *SMALL])
    assert fusion_cost.main() == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["ratio_train"] > 0
    assert figures["ratio_eval"] > 0
    assert len(figures["ratios_train"]) == 2
    assert figures["parameters_added"] > 0
    assert "padding_speedup" not in figures


def test_padding_is_measured_on_relation_data(capsys, monkeypatch, tmp_path, tiny_encoder) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import fusion_cost

    ends = {"h": {"id": "Q1", "pos": [0, 1]}, "t": {"id": "Q2", "pos": [2, 3]}}
    row = {"token": ["dig", "a", "hole"], **ends, "relation": "r"}
    path = tmp_path / "relations.json"
    path.write_text((json.dumps(row) + "\n") * 6)
    padding = ["--relations", str(path), "--tokenizer", str(tiny_encoder), "--padded-to", "64"]
    monkeypatch.setattr(sys, "argv", ["fusion_cost.py", *SMALL, *padding, "--padding-turns", "2"])
    assert fusion_cost.main() == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (figures["padding_texts"], len(figures["padding_speedups"])) == (6, 2)
    assert figures["padding_tokens_mean"] == 9  # three words, four markers, two special tokens
    assert figures["padding_speedup"] > 0
