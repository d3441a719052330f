import json

from small_world import run_kglm


def test_a_linker_is_scored_on_a_gold_set(tmp_path, tiny_encoder):
    text = "You dig a hole with a shovel, not with a spoon."
    labels = [
        {"span": [text.index(word), text.index(word) + len(word)], "entity_id": entity}
        for word, entity in (("hole", "Q1"), ("shovel", "Q2"), ("spoon", "<NIL>"))
    ]
    (tmp_path / "gold.jsonl").write_text(json.dumps({"id": 1, "text": text, "labels": labels}) + "\n")
    (tmp_path / "graph.tsv").write_text("shovel\tusedfor\thole\nshovel\tat\tgarden\n")
    rows = [{"entity": "hole", "wikidata_id": "Q1"}, {"entity": "shovel", "wikidata_id": "Q2"}]
    (tmp_path / "ids.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [
        *(
            "evaluate",
            "evaluation=linking",
            "graph=file",
            "graph.source=graph.tsv",
            "gold=file",
            "gold.path=gold.jsonl",
        ),
        *("gold.identifiers=ids.jsonl", f"linker.encoder={tiny_encoder}", "report=report.json"),
    ]
    outcome = run_kglm(command, tmp_path, tmp_path, tmp_path / "cache")
    assert outcome.code == 0, outcome.err
    assert "my-gold: 1 documents, 3 mentions, 2 of entities in the graph" in outcome.out
    assert "prior alone" in outcome.out
    assert "calibration error" in outcome.out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["prior alone"]["given"]["micro"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert report["linker"]["recall"]["30"] == 1.0
    wrong = run_kglm([*command, "gold.format=brat"], tmp_path, tmp_path, tmp_path / "cache")
    assert wrong.code == 1
    assert "unknown format of gold sets 'brat'" in wrong.err
