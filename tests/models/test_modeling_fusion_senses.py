from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from kglm.models import FusionEncoderConfig, FusionEncoderModel
from kglm.models.modeling_fusion_senses import FusionEncoderForWordSenses
from kglm.testing import random_entity_batch, tiny_bert_config, tiny_fusion_encoder

BATCH = random_entity_batch()
GENERATOR = torch.Generator().manual_seed(2)
WORDS = {
    "target_tokens": torch.tensor([[[1, 2], [3, -1]], [[4, 5], [-1, -1]], [[2, -1], [6, 7]]]),
    "sense_embeds": torch.randn(4, 8, generator=GENERATOR),
    "sense_index": torch.tensor([[[0, 1, 2], [3, -1, -1]], [[2, 0, -1], [-1, -1, -1]], [[1, -1, -1], [3, 2, -1]]]),
    "sense_priors": torch.randn(3, 2, 3, generator=GENERATOR),
}
LABELS = torch.tensor([[2, 0], [1, -100], [-100, 1]])


def test_scores_and_loss_are_those_of_the_equation(tmp_path) -> None:
    model = tiny_fusion_encoder(FusionEncoderForWordSenses, seed=1)
    output = model(**BATCH, **WORDS, labels=LABELS)
    hidden = model.encoder(**BATCH).last_hidden_state
    losses = []
    for b in range(3):
        for n in range(2):
            tokens = [int(t) for t in WORDS["target_tokens"][b, n] if t >= 0]
            senses = [int(c) for c in WORDS["sense_index"][b, n] if c >= 0]
            if not senses:
                continue
            state = hidden[b, tokens].mean(0)
            word = model.sense_head.weight @ state + model.sense_head.bias
            scores = torch.stack(
                [
                    model.match_weight * functional.cosine_similarity(word, WORDS["sense_embeds"][c], dim=0)
                    + model.prior_weight * WORDS["sense_priors"][b, n, k]
                    for k, c in enumerate(senses)
                ]
            )
            torch.testing.assert_close(output.logits[b, n, : len(senses)], scores)
            assert output.logits[b, n, len(senses) :].isneginf().all()
            if LABELS[b, n] >= 0:
                losses.append(-torch.log_softmax(scores, 0)[LABELS[b, n]])
    torch.testing.assert_close(output.loss, sum(losses) / len(losses))
    model.save_pretrained(tmp_path)
    again = FusionEncoderForWordSenses.from_pretrained(tmp_path)
    torch.testing.assert_close(again(**BATCH, **WORDS).logits, output.logits)
    torch.testing.assert_close(model(**BATCH, **WORDS, return_dict=False)[0], output.logits)


def test_gradients_are_finite_and_nothing_known_is_no_loss() -> None:
    model = tiny_fusion_encoder(FusionEncoderForWordSenses).train()
    model(**BATCH, **WORDS, labels=LABELS).loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.prior_weight.grad != 0
    assert model(**BATCH, **WORDS, labels=torch.full_like(LABELS, -100)).loss == 0


@pytest.mark.parametrize("entity_dim", [8, 40])
def test_untrained_it_compares_hidden_states_as_they_are(tmp_path, entity_dim) -> None:
    fields = {"backbone_config": tiny_bert_config(hidden_size=8, num_attention_heads=2), "entity_dim": entity_dim}
    built = FusionEncoderForWordSenses(FusionEncoderConfig(**fields))
    tiny_fusion_encoder(FusionEncoderModel, **fields).save_pretrained(tmp_path)
    loaded = FusionEncoderForWordSenses.from_pretrained(tmp_path)
    for model in (built, loaded):
        assert (model.prior_weight, model.match_weight) == (1, 10)
        assert torch.equal(model.sense_head.weight, torch.eye(entity_dim, 8))
        assert not model.sense_head.bias.any()


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="target_tokens, sense_embeds, sense_index and sense_priors must be given"):
        tiny_fusion_encoder(FusionEncoderForWordSenses)(**BATCH)
