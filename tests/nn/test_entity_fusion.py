from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from kglm.nn import EntityFusion, align_entities
from kglm.nn.entity_attention import EntityAttention

TOKENS = torch.tensor([[[1, 2], [2, 3], [0, -1]], [[3, -1], [-1, -1], [-1, -1]], [[-1, -1]] * 3])  # nested, adjacent
T, DIM, WIDE = 5, 6, 10


def make(**options) -> EntityFusion:
    torch.manual_seed(0)
    return EntityFusion(entity_dim=DIM, intermediate_dim=WIDE, **options).double()


def entities_and_activation() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    kind = {"dtype": torch.float64, "generator": generator}
    return torch.randn(3, 3, DIM, **kind), torch.randn(3 * T, WIDE, **kind)


@pytest.mark.parametrize("bias", ["aligned", "all"])
def test_entities_spread_over_their_tokens(bias) -> None:
    fusion = make(bias=bias)
    entities, activation = entities_and_activation()
    alignment = align_entities(TOKENS, T, torch.float64)
    expected = activation.view(3, T, WIDE).clone()
    for b in range(3):
        for t in range(T):
            here = [m for m in range(3) if t in TOKENS[b, m].tolist()]
            for m in here:
                expected[b, t] += fusion.inward.weight @ entities[b, m]
            if here or bias == "all":
                expected[b, t] += fusion.inward.bias
    injected = fusion.inject(activation.clone(), entities, alignment)
    torch.testing.assert_close(injected.view(3, T, WIDE), expected, rtol=0, atol=1e-12)

    updated = fusion.update(injected, entities, alignment)
    for b, m in [(0, 0), (0, 1), (0, 2), (1, 0)]:
        z = torch.stack([expected[b, t] for t in TOKENS[b, m] if t >= 0]).mean(0)
        expected_entity = fusion.norm(entities[b, m] + fusion.outward(z))
        torch.testing.assert_close(updated[b, m], expected_entity, rtol=0, atol=1e-12)
    assert updated.isfinite().all()


def test_attention_sees_only_entities_that_are_there() -> None:
    torch.manual_seed(0)
    attention = EntityAttention(DIM, 2).double()
    entities, _ = entities_and_activation()
    present = torch.tensor([[True, True, True], [False, True, True], [False, False, False]])
    attended = attention(entities, present)
    alone = attention(entities[1:2, 1:], torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(attended[1:2, 1:], alone, rtol=0, atol=1e-12)
    changed = attention(entities.masked_fill(~present[..., None], 99.0), present)
    assert torch.equal(changed[present], attended[present])
    assert attended.isfinite().all()
    order = [2, 0, 1]
    torch.testing.assert_close(attention(entities[:, order], present[:, order]), attended[:, order])


def test_attention_drops_weights_in_training_only() -> None:
    attention = EntityAttention(DIM, 1, attention_dropout=0.5).double()
    entities, present = entities_and_activation()[0], torch.ones(3, 3, dtype=torch.bool)
    assert not torch.equal(attention(entities, present), attention(entities, present))
    attention.eval()
    assert torch.equal(attention(entities, present), attention(entities, present))


def test_zero_init_adds_nothing_and_learns() -> None:
    fusion = make(zero_init=True, num_heads=2)
    entities, activation = entities_and_activation()
    alignment = align_entities(TOKENS, T, torch.float64)
    injected = fusion.inject(activation.clone(), fusion.attend(entities, alignment), alignment)
    assert torch.equal(injected, activation)
    functional.gelu(injected).sum().backward()
    assert fusion.inward.weight.grad.abs().max() > 0
    assert fusion.inward.bias.grad.abs().max() > 0


def test_without_entities_only_the_bias_of_all_tokens_is_added() -> None:
    _, activation = entities_and_activation()
    for bias in ("aligned", "all"):
        fusion = make(bias=bias)
        nn.init.normal_(fusion.inward.bias)
        added = fusion.inject(activation.clone(), None, None) - activation
        assert bool(added.any()) == (bias == "all")


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="bias is 'some'; allowed"):
        make(bias="some")
    with pytest.raises(ValueError, match="dim is 6, which num_heads 4"):
        make(num_heads=4)
