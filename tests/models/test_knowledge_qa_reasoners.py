"""The model with every reasoner."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kglm.models import KnowledgeQAConfig, KnowledgeQAForMultipleChoice
from kglm.models.reasoners import REASONERS
from kglm.testing import random_graph_batch, tiny_bert_config, tiny_knowledge_qa, tiny_reasoner

GRAPH = random_graph_batch()


def make_batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    batch = {}
    for prefix, rows, width in (("", 5, 12), ("question_", 2, 8), ("choice_", 5, 4)):
        mask = torch.ones(rows, width, dtype=torch.long)
        mask[0, width - 2 :] = 0
        batch[f"{prefix}attention_mask"] = mask
        batch[f"{prefix}input_ids"] = torch.randint(5, 500, mask.shape, generator=generator) * mask
    return {**batch, "num_choices": torch.tensor([2, 3]), "labels": torch.tensor([1, 2])}


BATCH = make_batch()


@pytest.fixture(params=REASONERS)
def model(request: pytest.FixtureRequest) -> KnowledgeQAForMultipleChoice:
    return tiny_knowledge_qa(reasoner=tiny_reasoner(request.param))


def test_untrained_it_scores_as_the_encoder_alone(model) -> None:
    plain = tiny_knowledge_qa(reasoner=None)
    plain.encoder.load_state_dict(model.encoder.state_dict())
    torch.testing.assert_close(model(**BATCH, graph=GRAPH).logits, plain(**BATCH).logits)


def test_it_learns_the_batch(model) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    losses = []
    for _ in range(8):
        optimizer.zero_grad()
        loss = model(**BATCH, graph=GRAPH).loss
        loss.backward()
        assert all(p.grad is not None for name, p in model.named_parameters() if p.requires_grad)
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_save_and_load_keeps_every_weight(model, tmp_path) -> None:
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(tmp_path)
    loaded = KnowledgeQAForMultipleChoice.from_pretrained(tmp_path)
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    found, expected = loaded(**BATCH, graph=GRAPH), model(**BATCH, graph=GRAPH)
    assert found.keys() == expected.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name])


def test_what_a_checkpoint_lacks_is_initialised_as_at_construction(model, tmp_path) -> None:
    tiny_knowledge_qa(reasoner=None).encoder.save_pretrained(tmp_path)
    config = KnowledgeQAConfig(encoder_config=tiny_bert_config(), reasoner=model.config.reasoner)
    loaded = KnowledgeQAForMultipleChoice.from_pretrained(tmp_path, config=config)
    for name, parameter in loaded.reasoner.named_parameters():
        made = model.reasoner.get_parameter(name)
        assert parameter.isfinite().all(), name
        assert parameter.any() == made.any(), name
        assert parameter.abs().max() <= 3 * made.abs().max() + 1e-6, name


def test_attentions_have_the_shapes_they_say(model) -> None:
    output = model(**BATCH, graph=GRAPH)
    sizes = {
        "path_attention": GRAPH.num_paths,
        "pair_attention": GRAPH.num_pairs,
        "node_attention": GRAPH.num_nodes,
        "node_relevance": GRAPH.num_nodes,
    }
    given = [name for name in sizes if name in output]
    assert given
    for name in given:
        assert output[name].shape == (sizes[name],)
