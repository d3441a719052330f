from __future__ import annotations

import naive_fusion
import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModel,
    ElectraConfig,
    MPNetConfig,
    PreTrainedModel,
    RobertaConfig,
    XLMRobertaConfig,
)

from kglm.errors import ConfigError
from kglm.models import FusionEncoderModel
from kglm.testing import random_entity_batch, tiny_bert_config, tiny_fusion_encoder

SMALL = {
    "vocab_size": 512,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
BACKBONES = {
    "bert": tiny_bert_config(**SMALL),
    "roberta": RobertaConfig(**SMALL, pad_token_id=0),
    "xlm-roberta": XLMRobertaConfig(**SMALL, pad_token_id=0),
    "electra": ElectraConfig(**SMALL, embedding_size=12),
    "electra, one width": ElectraConfig(**SMALL, embedding_size=16),
    "mpnet": MPNetConfig(**SMALL),
}
REFERENCE = {"entity_bias": "all", "cls_entity": "always"}
BATCH = random_entity_batch()


def pretrained(name: str) -> PreTrainedModel:
    torch.manual_seed(3)
    return AutoModel.from_config(BACKBONES[name]).eval()


def without_entities(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def doubled(model: FusionEncoderModel) -> tuple[FusionEncoderModel, dict[str, Tensor]]:
    return model.double(), {**BATCH, "entity_embeds": BATCH["entity_embeds"].double()}


def real_tokens(batch: dict[str, Tensor], states: Tensor) -> Tensor:
    return states[batch["attention_mask"] == 1]


def test_the_scale_multiplies_the_vectors() -> None:
    scaled, plain = (tiny_fusion_encoder(FusionEncoderModel, **fields) for fields in ({"entity_scale": 2.5}, {}))
    scaled.load_state_dict(plain.state_dict())
    expected = plain(**{**BATCH, "entity_embeds": 2.5 * BATCH["entity_embeds"]}).last_hidden_state
    assert torch.allclose(scaled(**BATCH).last_hidden_state, expected, atol=1e-6)
    assert not torch.allclose(plain(**BATCH).last_hidden_state, expected, atol=1e-3)


# The equations


@pytest.mark.parametrize("mode", [{}, REFERENCE, {"cls_entity": "none"}], ids=["default", "reference", "no cls"])
@pytest.mark.parametrize(
    "schedule",
    [["mix"], ["fuse"], ["plain"] * 5 + ["mix"] + ["fuse"] * 6],
    ids=["mix", "fuse", "12 layers"],
)
def test_parity_with_the_equations(schedule, mode) -> None:
    backbone = tiny_bert_config(**{**SMALL, "num_hidden_layers": len(schedule)})
    model, batch = doubled(
        tiny_fusion_encoder(FusionEncoderModel, backbone_config=backbone, fusion_layers=schedule, **mode)
    )
    output = model(**batch)
    found = real_tokens(batch, output.last_hidden_state), output.entity_states
    tokens, entities = naive_fusion.encode(model, **{**batch, "entity_tokens": batch["entity_tokens"][..., 0]})
    expected = real_tokens(batch, tokens), entities
    weights = [torch.randn(part.shape, dtype=part.dtype) for part in expected]
    for part, naive in zip(found, expected, strict=True):
        torch.testing.assert_close(part, naive, rtol=0, atol=1e-10)

    def gradients(parts) -> tuple:
        loss = sum((part * weight).sum() for part, weight in zip(parts, weights, strict=True))
        return torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)

    for (name, _), mine, naive in zip(model.named_parameters(), gradients(found), gradients(expected), strict=True):
        assert (mine is None) == (naive is None), name
        if naive is not None:
            # Keys' biases have no gradient but rounding: 1e-10 is the floor.
            error = (mine - naive).abs().max()
            assert error <= 1e-6 * naive.abs().max() + 1e-10, name


# What must not matter


@pytest.mark.parametrize("mode", [{}, REFERENCE, {"alignment": "span"}, {"fusion_dim": 6}])
def test_padding_order_and_garbage_do_not_matter(mode) -> None:
    model, batch = doubled(tiny_fusion_encoder(FusionEncoderModel, **mode))
    expected = model(**batch)
    absent = (batch["entity_tokens"] < 0).all(-1)

    def check(changed: dict[str, Tensor], entities=slice(None)) -> None:
        output = model(**changed)
        width = batch["input_ids"].shape[1]
        found = real_tokens(batch, output.last_hidden_state[:, :width])
        torch.testing.assert_close(found, real_tokens(batch, expected.last_hidden_state), rtol=0, atol=1e-12)
        torch.testing.assert_close(output.entity_states[:, entities], expected.entity_states, rtol=0, atol=1e-12)

    garbage = batch["entity_embeds"].masked_fill(absent[..., None], float("nan"))
    check({**batch, "entity_embeds": garbage})
    check({**batch, "entity_tokens": batch["entity_tokens"].masked_fill(absent[..., None], 99)})
    shuffled = {name: batch[name][:, [2, 0, 1]] for name in ("entity_embeds", "entity_tokens")}
    check({**batch, **shuffled}, [1, 2, 0])
    longer = {name: torch.nn.functional.pad(batch[name], (0, 4)) for name in ("input_ids", "attention_mask")}
    more = {
        "entity_embeds": torch.nn.functional.pad(garbage, (0, 0, 0, 2), value=7.0),
        "entity_tokens": torch.nn.functional.pad(batch["entity_tokens"], (0, 0, 0, 2), value=-1),
    }
    check({**batch, **longer, **more}, slice(3))


@pytest.mark.parametrize("mode", [{}, REFERENCE, {"alignment": "span"}])
def test_batched_is_single(mode) -> None:
    model, batch = doubled(tiny_fusion_encoder(FusionEncoderModel, **mode))
    together = model(**batch)
    for i, length in enumerate(batch["attention_mask"].sum(1)):
        single = {name: value[i : i + 1] for name, value in batch.items()}
        single |= {name: single[name][:, :length] for name in ("input_ids", "attention_mask")}
        there = (single["entity_tokens"] >= 0).any(-1)
        single |= {name: single[name][there].unsqueeze(0) for name in ("entity_embeds", "entity_tokens")}
        alone = model(**single)
        torch.testing.assert_close(
            alone.last_hidden_state[0], together.last_hidden_state[i, :length], rtol=0, atol=1e-12
        )


def test_garbage_gets_no_gradient() -> None:
    model, batch = doubled(tiny_fusion_encoder(FusionEncoderModel, fusion_dim=6))
    absent = (batch["entity_tokens"] < 0).all(-1)
    embeds = batch["entity_embeds"].masked_fill(absent[..., None], float("nan")).requires_grad_()
    output = model(**{**batch, "entity_embeds": embeds})
    (output.last_hidden_state.square().sum() + output.entity_states.square().sum()).backward()
    assert embeds.grad[absent].eq(0).all()
    assert embeds.grad[~absent].ne(0).any(-1).all()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_a_tokens_entity_reaches_it_and_a_cut_mention_does_not() -> None:
    model = tiny_fusion_encoder(FusionEncoderModel, alignment="span", fusion_layers=["plain", "plain", "mix"])
    plain = model(**without_entities(BATCH)).last_hidden_state
    changed = (model(**BATCH).last_hidden_state - plain).abs().amax(-1) > 1e-4
    assert changed[0].nonzero().flatten().tolist() == [0, 1, 2, 3, 6, 7]  # 0: the pseudo-entity of [CLS]
    assert changed[1].nonzero().flatten().tolist() == [0, 4, 5]
    assert not changed[2].any()
    beyond = {**BATCH, "entity_tokens": BATCH["entity_tokens"] + 20}
    torch.testing.assert_close(model(**beyond).last_hidden_state, plain, rtol=1e-6, atol=1e-6)


# The plain encoder


@pytest.mark.parametrize("name", BACKBONES)
def test_without_entities_it_is_the_backbone(name) -> None:
    backbone = pretrained(name)
    expected = backbone(**without_entities(BATCH)).last_hidden_state
    model = FusionEncoderModel.from_backbone(backbone, entity_dim=8, zero_init=False).eval()
    for parameter in model.blocks.parameters():
        torch.nn.init.normal_(parameter)
    nothing = {**BATCH, "entity_tokens": torch.full_like(BATCH["entity_tokens"], -1)}
    for batch in (without_entities(BATCH), nothing):
        torch.testing.assert_close(model(**batch).last_hidden_state, expected, rtol=1e-6, atol=1e-6)
    fused = model(**BATCH).last_hidden_state
    torch.testing.assert_close(fused[2], expected[2], rtol=1e-6, atol=1e-6)  # the text without entities
    assert (fused[:2] - expected[:2]).abs().max() > 1e-2


@pytest.mark.parametrize("name", ["bert", "electra", "mpnet"])
def test_zero_initialised_fusion_is_the_backbone_through_from_pretrained(name, tmp_path) -> None:
    backbone = pretrained(name)
    expected = backbone(**without_entities(BATCH)).last_hidden_state
    model = FusionEncoderModel.from_backbone(backbone, entity_dim=8)
    torch.testing.assert_close(model.eval()(**BATCH).last_hidden_state, expected, rtol=1e-6, atol=1e-6)
    # A checkpoint that lacks the fusion: from_pretrained initialises it anew.
    kept = {k: v for k, v in model.state_dict().items() if k.startswith("backbone.")}
    model.save_pretrained(tmp_path, state_dict=kept)
    loaded = FusionEncoderModel.from_pretrained(tmp_path)
    for block in loaded.blocks:
        if block.fusion is not None:
            assert not block.fusion.inward.weight.any()
            assert not block.fusion.inward.bias.any()
            assert 0 < block.fusion.outward.weight.std() < 0.1
    torch.testing.assert_close(loaded.eval()(**BATCH).last_hidden_state, expected, rtol=1e-6, atol=1e-6)


def test_reference_mode_differs_without_entities() -> None:
    model = tiny_fusion_encoder(FusionEncoderModel, **REFERENCE)
    plain = tiny_fusion_encoder(FusionEncoderModel)
    plain.load_state_dict(model.state_dict())
    batch = without_entities(BATCH)
    assert (model(**batch).last_hidden_state - plain(**batch).last_hidden_state).abs().max() > 1e-3
    assert model(**batch).entity_states is None


@pytest.mark.parametrize("name", ["bert", "electra"])
def test_backbone_weights_keep_their_names(name) -> None:
    backbone = pretrained(name)
    weights = {key: value.clone() for key, value in backbone.state_dict().items()}
    model = FusionEncoderModel.from_backbone(backbone, entity_dim=8)
    assert model.config.pooler == (name == "bert")
    for key, value in weights.items():
        assert torch.equal(model.state_dict()[f"backbone.{key}"], value)
    if name == "bert":
        expected = backbone(**without_entities(BATCH)).pooler_output
        torch.testing.assert_close(model.eval()(**without_entities(BATCH)).pooler_output, expected)


# Living with transformers and torch


def test_round_trip(tmp_path) -> None:
    model = tiny_fusion_encoder(FusionEncoderModel, fusion_dim=6, alignment="span")
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path)
    assert type(loaded) is FusionEncoderModel
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    torch.testing.assert_close(loaded(**BATCH).last_hidden_state, model(**BATCH).last_hidden_state)


@pytest.mark.parametrize("name", ["bert", "mpnet"])
def test_checkpointing_changes_nothing(name) -> None:
    model = tiny_fusion_encoder(FusionEncoderModel, backbone_config=BACKBONES[name]).train()

    def gradients() -> list[Tensor]:
        model.zero_grad()
        model(**BATCH).last_hidden_state.square().sum().backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    expected = gradients()
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable()
    assert all(block.gradient_checkpointing for block in model.blocks)
    for found, grad in zip(gradients(), expected, strict=True):
        torch.testing.assert_close(found, grad)


def test_half_precision() -> None:
    model = tiny_fusion_encoder(FusionEncoderModel)
    expected = model(**BATCH).last_hidden_state
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model(**BATCH).last_hidden_state
    halved = model.to(torch.bfloat16)(**BATCH).last_hidden_state
    assert halved.dtype == torch.bfloat16
    for found in (mixed, halved):
        cosine = torch.cosine_similarity(found.float(), expected, dim=-1)
        assert cosine.min() > 0.99


def test_compiles_without_graph_breaks() -> None:
    model = tiny_fusion_encoder(FusionEncoderModel, alignment="span")
    # The default compiler would need a C compiler; breaks show in the graph whatever compiles it.
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(**BATCH).last_hidden_state, model(**BATCH).last_hidden_state)
    model.train()
    compiled(**BATCH).last_hidden_state.sum().backward()
    assert all(block.fusion is None or block.fusion.inward.weight.grad.any() for block in model.blocks)


def test_outputs_on_request() -> None:
    model = tiny_fusion_encoder(FusionEncoderModel, pooler=True)
    output = model(**BATCH, output_hidden_states=True)
    assert len(output.hidden_states) == 4
    assert torch.equal(output.hidden_states[-1], output.last_hidden_state)
    assert output.pooler_output.shape == (3, 32)
    assert output.entity_states.shape == (3, 3, 8)
    assert not output.entity_states[2].any()
    embeds = model.get_input_embeddings()(BATCH["input_ids"])
    rest = {name: value for name, value in BATCH.items() if name != "input_ids"}
    torch.testing.assert_close(model(inputs_embeds=embeds, **rest)[0], output.last_hidden_state)
    assert isinstance(model(**BATCH, return_dict=False), tuple)


def test_mistakes_are_named() -> None:
    model = tiny_fusion_encoder(FusionEncoderModel)
    with pytest.raises(ValueError, match="exactly one of input_ids"):
        model()
    with pytest.raises(ValueError, match="must be given together"):
        model(**without_entities(BATCH), entity_embeds=BATCH["entity_embeds"])
    with pytest.raises(ValueError, match=r"expected \[3, M, 8\]"):
        model(**{**BATCH, "entity_embeds": torch.zeros(3, 3, 7)})
    with pytest.raises(ConfigError, match="no field 'entity_dims'; did you mean 'entity_dim'"):
        FusionEncoderModel.from_backbone(pretrained("bert"), entity_dims=8)
