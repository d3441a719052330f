import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from kglm.cli.stages.entity_typing import TypingSettings
from kglm.errors import ConfigError, UnknownNameError
from kglm.models import FusionEncoderForSequenceClassification

TYPES = [["person"], ["tool", "thing"], ["place", "thing"]]


@pytest.fixture
def files(tmp_path):
    for name, count in (("train", 24), ("dev", 9), ("test", 10)):
        rows = [
            {
                "sent": f"dig a hole with E{i % 5} .",
                "start": 16,
                "end": 18,
                "labels": TYPES[i % 3],
                "ents": [[f"Q{i % 5}", 16, 18, 0.9]],
            }
            for i in range(count)
        ]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    return tuple(f"types.{name}={tmp_path / name}.json" for name in ("train", "dev", "test"))


@pytest.mark.parametrize("name", ["typing_plain", "typing_fused"])
def test_every_experiment_trains_and_leaves_what_it_says(kglm, tmp_path, files, tiny_graph, two_steps, name):
    outcome = kglm("train", f"experiment={name}", *files, *tiny_graph, *two_steps, "run_dir=run")
    assert outcome.code == 0, outcome.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    for split, count in (("dev", 9), ("test", 10)):
        values = metrics["splits"][split]
        rows = [
            json.loads(line) for line in (tmp_path / "run" / f"predictions_{split}.jsonl").read_text().splitlines()
        ]
        assert len(rows) == values["texts"] == count
        assert sum(row["correct"] for row in rows) / count == pytest.approx(values["strict_accuracy"])
        right = sum(len(set(row["labels"]) & set(row["predicted"])) for row in rows)
        said, true = (sum(len(row[key]) for row in rows) for key in ("predicted", "labels"))
        assert values["loose_micro_f1"] == pytest.approx(2 * right / (said + true))
        assert set(values["slices"]) == {"mention linked", "mention not linked"}
        assert f"{split} loose micro f1 {100 * values['loose_micro_f1']:.1f} %" in outcome.out
    model = FusionEncoderForSequenceClassification.from_pretrained(tmp_path / "run" / "best")
    assert sorted(model.config.label2id) == ["person", "place", "thing", "tool"]
    assert (model.config.graph_fingerprint is None) == (name == "typing_plain")


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("trainer.selection_metric=accuracy", UnknownNameError, "unknown selection_metric 'accuracy'"),
        ("+types.files=x", ConfigError, "types has no field 'files'"),
        ("types.dev=3", ConfigError, "types.dev is 3; allowed: text"),
    ],
)
def test_mistakes_are_named(override, error, message):
    files = [f"types.{name}=x" for name in ("train", "dev", "test")]
    with initialize_config_module("kglm.conf", version_base="1.3"):
        config = compose("train", ["experiment=typing_plain", *files, override])
    with pytest.raises(error, match=message):
        TypingSettings.from_config(OmegaConf.to_container(config, resolve=True))


def test_every_key_of_the_task_is_read():
    path = Path(__file__).parents[3] / "conf" / "types" / "open_entity.yaml"
    assert set(OmegaConf.load(path)) == {"name", "train", "dev", "test"}
