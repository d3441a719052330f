"""A frozen encoder is read once; nothing else differs."""

import json

import pytest
import torch
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from safetensors.torch import load_file
from transformers import BertModel

from kglm.cli.answering_model import build_bundle
from kglm.cli.settings import TrainSettings
from kglm.data.pipeline import PreparedQuestions
from kglm.encoders import load_encoder
from kglm.inference import Bundle
from kglm.inference.scoring import batches, score
from kglm.testing import tiny_bert_config

# Dropout in the head and the reasoner stays on: a frozen encoder draws nothing, so that both runs drop the same.
FROZEN = (
    "encoder.frozen=true",
    "+encoder.options.hidden_dropout_prob=0.5",
    "facts=graph",
    "trainer.max_steps=6",
    "trainer.eval_every=3",
    "trainer.log_every=1",
    "trainer.num_threads=1",
    "trainer.reasoner_lr=0.01",
)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory, csqa, data_dir, cache_dir):
    """The folder of a run with a frozen encoder, facts and KagNet."""
    from small_world import run_kglm

    folder = tmp_path_factory.mktemp("frozen")
    outcome = run_kglm(("train", *csqa, *FROZEN, "run_dir=run"), folder, data_dir, cache_dir)
    assert outcome.code == 0, outcome.err
    return folder / "run"


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def settings(tiny_encoder, tmp_path, data_dir, cache_dir, monkeypatch, *overrides):
    monkeypatch.setenv("KGLM_DATA_DIR", str(data_dir))
    monkeypatch.setenv("KGLM_CACHE_DIR", str(cache_dir))
    chosen = ["experiment=csqa_frozen_kagnet", "task.dev_size=8", f"encoder.name={tiny_encoder}", *overrides]
    with initialize_config_module("kglm.conf", version_base="1.3"):
        config = compose("train", chosen)
    return TrainSettings.from_config(OmegaConf.to_container(config, resolve=True))


def test_the_run_is_that_of_an_encoder_which_reads_each_time(kglm, tmp_path, csqa, frozen, monkeypatch):
    monkeypatch.setattr(PreparedQuestions, "read_by", lambda *arguments: None)
    assert kglm("train", *csqa, *FROZEN, "run_dir=run").code == 0
    for mine, theirs in zip(rows(frozen / "metrics.jsonl"), rows(tmp_path / "run" / "metrics.jsonl"), strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5)
    for split in ("dev", "test"):
        name = f"predictions_{split}.jsonl"
        for mine, theirs in zip(rows(frozen / name), rows(tmp_path / "run" / name), strict=True):
            # Not the logits: the head's bias has no gradient but rounding, of which Adam makes a step.
            assert mine["probabilities"] == pytest.approx(theirs["probabilities"], abs=1e-4)
    moved = [row["train/loss"] for row in rows(frozen / "metrics.jsonl") if "train/loss" in row]
    assert len(set(moved)) > 3


def test_the_encoder_is_as_it_was_and_all_else_learned(frozen, tiny_encoder):
    trained, pretrained = load_file(frozen / "best" / "model.safetensors"), load_encoder(str(tiny_encoder))[0]
    for name, value in pretrained.state_dict().items():
        assert torch.equal(trained[f"encoder.{name}"], value)
    assert trained["score_head.weight"].any()
    counts = json.loads((frozen / "metrics.json").read_text())["parameters"]
    assert counts["trainable"] == counts["all"] - counts["encoder"]


def test_the_bundle_is_an_ordinary_one(kglm, frozen, csqa):
    """The vectors that training took are those of the texts of anyone."""
    bundle = Bundle.load(frozen)
    named = rows(frozen / "predictions_test.jsonl")
    assert bundle.model.reads_vectors
    task = TrainSettings.from_config(json.loads((frozen / "config.json").read_text())).task
    found = score(bundle, task.split("test"), batch_size=8)  # without a cache, from tokens
    for mine, theirs in zip(found.predictions, named, strict=True):
        assert mine.logits == pytest.approx(theirs["logits"], abs=1e-5)
    splits = json.loads((frozen / "metrics.json").read_text())["splits"]
    said = kglm("evaluate", f"model={frozen}", "split=test")
    assert f"accuracy {100 * splits['test']['accuracy']:.1f} %" in said.out
    assert kglm("answer", "what do you dig with?", "-c", "shovel", "-c", "soup", "-m", frozen).code == 0


def test_a_checkpoint_gives_encoder_scale_and_statement_head(
    trained, tiny_encoder, tmp_path, data_dir, cache_dir, monkeypatch
):
    """A fresh reasoner adds nothing: the model starts with the scores that the statement alone had."""
    wanted = settings(
        tiny_encoder, tmp_path, data_dir, cache_dir, monkeypatch, f"encoder.checkpoint={trained}", "reasoner=gcn"
    )
    model, source = build_bundle(wanted).model, Bundle.load(trained).model
    for name, value in source.encoder.state_dict().items():
        assert torch.equal(model.encoder.state_dict()[name], value)
    assert model.scale == source.scale
    hidden = model.config.hidden_size
    assert torch.equal(model.score_head.weight[:, -hidden:], source.score_head.weight[:, -hidden:])
    assert source.score_head.weight[:, -hidden:].any()
    assert not model.score_head.weight[:, :-hidden].any()
    assert torch.equal(model.score_head.bias, source.score_head.bias)
    assert not any(parameter.requires_grad for parameter in model.encoder.parameters())


def test_a_text_model_goes_on_as_it_was(kglm, tmp_path, csqa, tiny_encoder, data_dir, cache_dir, monkeypatch):
    assert kglm("train", *csqa, "reasoner=none", "run_dir=text").code == 0
    checkpoint = f"encoder.checkpoint={tmp_path / 'text'}"
    wanted = settings(tiny_encoder, tmp_path, data_dir, cache_dir, monkeypatch, checkpoint)
    fresh, text = build_bundle(wanted), Bundle.load(tmp_path / "text")
    examples = wanted.task.split("dev")
    with torch.inference_mode():
        for mine, theirs in zip(
            batches(fresh.pipeline.prepare(examples), 4), batches(text.pipeline.prepare(examples), 4), strict=True
        ):
            inputs, others = ({k: v for k, v in batch.items() if k != "ids"} for batch in (mine, theirs))
            torch.testing.assert_close(fresh.model.eval()(**inputs).logits, text.model(**others).logits)
    assert kglm("train", *csqa, "encoder.frozen=true", checkpoint, "run_dir=on").code == 0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("reasoner=greaselm",), "encoder.frozen is true, and reasoner greaselm speaks with the encoder's layers"),
        (("encoder.checkpoint=nowhere",), "model 'nowhere' does not exist"),
    ],
)
def test_what_cannot_be_is_refused(kglm, csqa, overrides, message):
    outcome = kglm("train", *csqa, "encoder.frozen=true", *overrides, "run_dir=run")
    assert outcome.code == 1
    assert message in outcome.err.splitlines()[-1]


def test_a_checkpoint_of_another_encoder_is_refused(kglm, csqa, tiny_encoder, trained, tmp_path):
    other = tmp_path / "other"
    BertModel(
        tiny_bert_config(max_position_embeddings=256, num_hidden_layers=1), add_pooling_layer=False
    ).save_pretrained(other)
    load_encoder(str(tiny_encoder))[1].save_pretrained(other)
    outcome = kglm("train", *csqa, f"encoder.name={other}", f"encoder.checkpoint={trained}", "run_dir=run")
    assert outcome.code == 1
    assert "the trained model has another encoder: its 'encoder.layer.1." in outcome.err.splitlines()[-1]
