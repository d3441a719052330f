import gzip
import json

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from small_world import run_kglm

from kglm.cli.stages.word_senses import SenseSettings
from kglm.errors import ConfigError, UnknownNameError
from kglm.models.modeling_fusion_senses import FusionEncoderForWordSenses

EXPERIMENTS = [f"senses_{kind}{arm}" for kind in ("", "hidden_") for arm in ("fused", "plain", "shuffled")]
SYNSETS = "synset\tss_type\tlexfile\tlemmas\tsense_keys\tgloss\n" + "".join(
    f"n0000000{i}\tn\tnoun.x\t{word}\t{word}%1:03:0{i}::\tsomething to {gloss}\n"
    for i, (word, gloss) in enumerate([("spade", "dig"), ("spade", "plant"), ("hole", "dig"), ("house", "build")])
)
TRIPLES = "head\trelation\ttail\thead_lemma\ttail_lemma\nn00000000\thypernym\tn00000003\t\t\n"
LEMMAS = (
    "lemma\tpos\tsynsets_most_frequent_first\n"
    "spade\tn\tn00000000|n00000001\nhole\tn\tn00000002\nhouse\tn\tn00000003\n"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("senses")
    (folder / "wordnet").mkdir()
    for name, content in (("synsets", SYNSETS), ("triples", TRIPLES), ("lemma_senses", LEMMAS)):
        with gzip.open(folder / "wordnet" / f"{name}.tsv.gz", "wt") as file:
            file.write(content)
    for name, count in (("train", 60), ("test", 8)):
        rows = [
            {
                "id": f"b.f{i // 2}.s{i}",
                "tokens": ["the", "spade", "and", "the", "hole", str(i)],
                "senses": [[1, "spade", "NN", "k", f"n0000000{i % 2}"], [4, "hole", "NN", "k", "n00000002"]],
            }
            for i in range(count)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return (
        f"graph.source={folder / 'wordnet'}",
        f"senses.train={folder / 'train.jsonl'}",
        f"senses.test={folder / 'test.jsonl'}",
        "max_length=64",
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory, files, two_steps, data_dir, cache_dir):
    folder = tmp_path_factory.mktemp("sense runs")
    said = {}
    for name in EXPERIMENTS:
        arguments = ("train", f"experiment={name}", *files, *two_steps, f"run_dir={name}")
        outcome = run_kglm(arguments, folder, data_dir, cache_dir)
        assert outcome.code == 0, outcome.err
        said[name] = outcome.out
    return folder, said


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_and_leaves_what_it_says(runs, name):
    run, said = runs[0] / name, runs[1][name]
    metrics = json.loads((run / "metrics.json").read_text())
    for split, values in metrics["splits"].items():
        rows = [json.loads(line) for line in (run / f"predictions_{split}.jsonl").read_text().splitlines()]
        assert len(rows) == values["words"] == values["slices"]["n"]["words"] > 0
        assert sum(row["correct"] for row in rows) / len(rows) == pytest.approx(values["accuracy"])
        ambiguous = [row["correct"] for row in rows if row["word"] == "spade"]
        assert sum(ambiguous) / len(ambiguous) == pytest.approx(values["ambiguous_accuracy"])
        kinds = {
            "lemma seen in training": len(ambiguous),
            "first sense": sum(row["label"] == 0 for row in rows if row["senses"] > 1),
        }
        assert {kind: values["slices"][kind]["words"] for kind in kinds} == kinds
        assert values["first_sense"] == pytest.approx(sum(row["label"] == 0 for row in rows) / len(rows))
        assert f"{split} accuracy {100 * values['accuracy']:.1f} %" in said
    model = FusionEncoderForWordSenses.from_pretrained(run / "best")
    assert (set(model.config.schedule) == {"plain"}) == name.endswith("_plain")
    assert model.config.graph_fingerprint is not None  # senses are chosen by its vectors in any case


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("entities=none", ConfigError, "senses are chosen by their vectors"),
        ("trainer.selection_metric=f1", UnknownNameError, "unknown selection_metric 'f1'"),
        ("+senses.dev=x", ConfigError, "senses has no field 'dev'"),
        ("fusion.scale=half", ConfigError, "fusion.scale is 'half'; allowed: 'auto' or a number"),
        ("senses.hidden=1.5", ConfigError, "senses.hidden is 1.5; allowed: a number from 0 to 1"),
        ("senses.fused=3", ConfigError, "senses.fused is 3; allowed: true, false"),
    ],
)
def test_mistakes_are_named(override, error, message):
    with initialize_config_module("kglm.conf", version_base="1.3"):
        config = OmegaConf.to_container(compose("train", ["experiment=senses_plain", override]), resolve=True)
    with pytest.raises(error, match=message):
        SenseSettings.from_config(config)
