from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import naive_fusion
import pytest
import torch
from thu_release import D_E, random_release, write_release

from kglm.errors import DataError
from kglm.models import FusionEncoderForPreTraining, FusionEncoderModel
from kglm.models.thu_ernie import load_thu_ernie, load_thu_tokenizer


@pytest.fixture
def release(tmp_path) -> Path:
    return write_release(tmp_path / "ernie")


class Named:
    """The release's weights by dotted names, as the naive functions take them."""

    def __init__(self, weights: dict[str, torch.Tensor], name: str) -> None:
        self._weights, self._name = weights, name
        self.eps, self.num_attention_heads = 1e-12, 2

    def __getattr__(self, part: str):
        name = f"{self._name}.{part}"
        return self._weights.get(name) if part in ("weight", "bias") else Named(self._weights, name)


def reference(weights: dict[str, torch.Tensor], ids: torch.Tensor, entities: dict[int, torch.Tensor]):
    """Compute the last token states of one text, from the release's own names."""
    embed = {
        kind: weights[f"bert.embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")
    }
    w = embed["word"][ids] + embed["position"][: len(ids)] + embed["token_type"][0]
    name = "bert.embeddings.LayerNorm"
    w = naive_fusion.norm(
        SimpleNamespace(weight=weights[f"{name}.gamma"], bias=weights[f"{name}.beta"], eps=1e-12), w
    )
    e, has = torch.zeros(len(ids), D_E, dtype=w.dtype), torch.zeros(len(ids), dtype=torch.bool)
    for place, vector in entities.items():
        e[place], has[place] = vector, True
    has[0] = True
    for i, kind in enumerate(["sim", "mix", "norm", "sim"]):
        layer = Named(weights, f"bert.encoder.layer.{i}")
        own, output = layer.attention.self_ent, layer.attention.output_ent
        attention = SimpleNamespace(
            query=own.query, key=own.key, value=own.value, output=output.dense, norm=output.LayerNorm, num_heads=4
        )
        fusion = SimpleNamespace(
            attention=attention if kind == "norm" else None,
            inward=layer.intermediate.dense_ent,
            outward=layer.output.dense_ent,
            norm=layer.output.LayerNorm_ent,
            bias="all",
        )
        real = torch.ones(len(ids), dtype=torch.bool)
        w, e = naive_fusion.fused_layer(layer, None if kind == "sim" else fusion, w, e, real, has)
    return w


def test_it_computes_what_the_reference_computes(release) -> None:
    weights = {name: value.double() for name, value in random_release().items()}
    model = load_thu_ernie(release).double()
    assert type(model) is FusionEncoderForPreTraining
    assert model.config.schedule == ("plain", "mix", "fuse", "plain")
    ids = torch.tensor([2, 7, 9, 11, 6, 3])
    generator = torch.Generator().manual_seed(5)
    vectors = torch.randn(3, D_E, generator=generator, dtype=torch.float64)
    expected = reference(weights, ids, {1: vectors[0], 4: vectors[1]})
    targets = {"candidate_embeds": vectors, "target_tokens": torch.tensor([[1, 4]])}
    inputs = {"entity_embeds": vectors[None, :2], "entity_tokens": torch.tensor([[1, 4]])}
    found = model(ids[None], **inputs, **targets)
    states = model.encoder(ids[None], **inputs).last_hidden_state[0]
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-10)

    def transform(name: str, x: torch.Tensor) -> torch.Tensor:
        layer = Named(weights, f"{name}.transform")
        return naive_fusion.norm(layer.LayerNorm, naive_fusion.gelu(naive_fusion.linear(layer.dense, x)))

    words = transform("cls.predictions", expected) @ weights["cls.predictions.decoder.weight"].T
    torch.testing.assert_close(found.token_logits[0], words + weights["cls.predictions.bias"], rtol=0, atol=1e-9)
    entities = transform("cls.predictions_ent", expected[[1, 4]]) @ vectors.T
    torch.testing.assert_close(found.entity_logits[0], entities, rtol=0, atol=1e-9)
    pooled = torch.tanh(naive_fusion.linear(Named(weights, "bert.pooler.dense"), expected[:1]))
    sentence = naive_fusion.linear(Named(weights, "cls.seq_relationship"), pooled)
    torch.testing.assert_close(found.sentence_logits, sentence, rtol=0, atol=1e-9)


def test_an_encoder_alone(tmp_path) -> None:
    weights = {name: value for name, value in random_release().items() if name.startswith("bert.")}
    model = load_thu_ernie(write_release(tmp_path / "ernie", weights))
    assert type(model) is FusionEncoderModel
    assert torch.equal(model.blocks[2].fusion.norm.bias, weights["bert.encoder.layer.2.output.LayerNorm_ent.bias"])


def test_tokenizer_lower_cases(release) -> None:
    assert load_thu_tokenizer(release)("A b")["input_ids"] == [2, 5, 6, 3]
    assert load_thu_tokenizer(release, lowercase=False)("A b")["input_ids"] == [2, 1, 6, 3]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layer_types": ["sim", "norms"]}, "layer_types[1] is 'norms'; did you mean 'norm'"),
        ({"layer_types": ["sim"] * 5}, "fusion_layers has 5 entries; the backbone has 4 layers"),
        ({"layer_types": ["sim", "mix", "mix"]}, "unknown encoder.blocks.2.fusion.attention"),
        ({"hidden_size": 16}, "of shape"),
    ],
)
def test_configuration_and_weights_must_fit(settings, message, tmp_path) -> None:
    with pytest.raises(DataError) as caught:
        load_thu_ernie(write_release(tmp_path / "ernie", **settings))
    assert message in str(caught.value)


def test_damaged_releases_are_refused(release) -> None:
    class Harmful:
        def __reduce__(self):
            return (print, ("run",))

    for content in (pickle.dumps(Harmful(), protocol=2), b"no weights"):
        (release / "pytorch_model.bin").write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as tensors only"):
            load_thu_ernie(release)
    torch.save([1, 2], release / "pytorch_model.bin")
    with pytest.raises(DataError, match="something else than tensors by name"):
        load_thu_ernie(release)
    torch.save({}, release / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"entities of dimensions \[\]"):
        load_thu_ernie(release)
    (release / "ernie_config.json").write_text('{"hidden_size": 3}')
    with pytest.raises(DataError, match=r"lacks attention_probs_dropout_prob, .*layer_types"):
        load_thu_ernie(release)
    (release / "ernie_config.json").write_text("{")
    with pytest.raises(DataError, match="is not JSON"):
        load_thu_ernie(release)
    (release / "ernie_config.json").unlink()
    with pytest.raises(DataError, match=r"ernie_config\.json' does not exist"):
        load_thu_ernie(release)
