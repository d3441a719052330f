import json
import runpy
import sys

from kglm.kg.records import Label, Triple


def test_weights_are_fitted_and_printed(tmp_path, graph_of, tiny_encoder, monkeypatch, capsys):
    graph = graph_of(
        Triple("Q1", "r", "Q2"),
        Triple("Q3", "r", "Q2"),
        Label("Q1", "Steve Jobs", True),
        Label("Q2", "Apple", True),
        Label("Q3", "Steve Martin", True),
    )
    labels = [{"span": [0, 5], "entity_id": "Q1"}, {"span": [9, 14], "entity_id": "Q2"}]
    row = {"id": 1, "text": "Steve of Apple", "labels": labels}
    (tmp_path / "gold.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.setattr("kglm.kg.catalog.open_recipe", lambda *_: graph)
    arguments = ["--gold", str(tmp_path / "gold.jsonl"), "--encoder", str(tiny_encoder), "--prior"]
    monkeypatch.setattr(sys, "argv", ["fit_linker.py", *arguments])
    runpy.run_path("scripts/fit_linker.py", run_name="__main__")
    printed = json.loads(capsys.readouterr().out)
    assert printed["scorer"]["weights"].keys() >= {"log_prior", "part"}
    assert printed["first"] is None
