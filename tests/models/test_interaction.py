from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import (
    AutoModel,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    MPNetConfig,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
)

from kglm.encoders.pretrained import without_pooler
from kglm.errors import ConfigError
from kglm.models import KnowledgeQAConfig
from kglm.models.interaction import encode_with_reasoner
from kglm.nn import GreaseLM
from kglm.testing import random_graph_batch, tiny_bert_config, tiny_knowledge_qa, tiny_reasoner

SMALL = {"vocab_size": 512, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
ENCODERS = [
    BertConfig(hidden_size=32, **SMALL),
    RobertaConfig(hidden_size=32, max_position_embeddings=64, pad_token_id=0, **SMALL),
    ElectraConfig(hidden_size=32, embedding_size=16, **SMALL),
    MPNetConfig(hidden_size=32, pad_token_id=0, **SMALL),
]
GRAPH = random_graph_batch()


def make_encoder(config: PreTrainedConfig) -> PreTrainedModel:
    torch.manual_seed(0)
    return AutoModel.from_config(config, **without_pooler(config)).eval()


def make_reasoner(*, exchanges: bool) -> GreaseLM:
    torch.manual_seed(1)
    reasoner = GreaseLM(entity_dim=8, statement_dim=32, num_relations=3, node_dim=6, num_layers=2).eval()
    if exchanges:
        nn.init.normal_(reasoner.exchange_out.weight)
    return reasoner


def make_inputs() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    mask = torch.ones(5, 9, dtype=torch.long)
    mask[0, 7:] = mask[3, 4:] = 0
    return {"input_ids": torch.randint(5, 500, mask.shape, generator=generator) * mask, "attention_mask": mask}


@pytest.fixture(params=ENCODERS, ids=lambda config: config.model_type)
def encoder(request: pytest.FixtureRequest) -> PreTrainedModel:
    return make_encoder(request.param)


def test_untrained_the_encoder_is_not_disturbed(encoder: PreTrainedModel) -> None:
    inputs = make_inputs()
    tokens, _ = encode_with_reasoner(encoder, make_reasoner(exchanges=False), GRAPH, **inputs)
    torch.testing.assert_close(tokens, encoder(**inputs)[0])


def test_it_speaks_with_the_last_layers(encoder: PreTrainedModel) -> None:
    """Restated by hooks on the layers that the library itself runs."""
    reasoner, inputs = make_reasoner(exchanges=True), make_inputs()
    tokens, state = encode_with_reasoner(encoder, reasoner, GRAPH, **inputs)
    states = [reasoner.begin(GRAPH)]

    def speak(_module: nn.Module, _inputs: object, output: object) -> object:
        hidden = output[0] if isinstance(output, tuple) else output
        token, after = reasoner.exchange(len(states) - 1, hidden[:, 0], states[-1])
        states.append(after)
        hidden = torch.cat((token.unsqueeze(1), hidden[:, 1:]), dim=1)
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    handles = [layer.register_forward_hook(speak) for layer in encoder.encoder.layer[-2:]]
    expected = encoder(**inputs)[0]
    for handle in handles:
        handle.remove()
    assert len(states) == 3
    torch.testing.assert_close(tokens, expected)
    torch.testing.assert_close(state.nodes, states[-1].nodes)
    assert not torch.allclose(tokens, encoder(**inputs)[0], atol=1e-3)


def test_what_the_graph_says_reaches_the_other_tokens_and_back() -> None:
    reasoner, inputs = make_reasoner(exchanges=True), make_inputs()
    encoder = make_encoder(ENCODERS[0])
    tokens, _ = encode_with_reasoner(encoder, reasoner, GRAPH, **inputs)
    other = random_graph_batch(seed=7)
    changed, _ = encode_with_reasoner(encoder, reasoner, other, **inputs)
    assert (tokens - changed)[:, 1:].abs().amax(-1).gt(1e-4)[0, :6].all()  # by attention, in the last layer
    tokens.square().sum().backward()
    assert reasoner.concept_projection.weight.grad.any()


@pytest.mark.parametrize(
    ("encoder", "overrides", "message"),
    [
        (DistilBertConfig(n_layers=2), {}, "reasoner 'greaselm' runs the encoder layer by layer, and"),
        (tiny_bert_config(), {"num_layers": 3}, "reasoner.num_layers is 3; allowed: at most 2, the encoder's layers"),
    ],
)
def test_an_encoder_that_cannot_be_spoken_with_is_refused(encoder, overrides: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        KnowledgeQAConfig(encoder_config=encoder, reasoner=tiny_reasoner("greaselm", **overrides))
    assert message in str(caught.value)


def test_the_model_reads_the_text_as_the_graph_changed_it() -> None:
    model = tiny_knowledge_qa(reasoner=tiny_reasoner("greaselm"))
    nn.init.normal_(model.reasoner.exchange_out.weight)
    inputs = make_inputs()
    statement, reasoned = model._read(GRAPH, **inputs)
    tokens, state = encode_with_reasoner(model.encoder, model.reasoner, GRAPH, **inputs)
    means = torch.stack([row[mask == 1].mean(0) for row, mask in zip(tokens, inputs["attention_mask"], strict=True)])
    torch.testing.assert_close(statement, means)
    torch.testing.assert_close(reasoned.graph_vector, model.reasoner.finish(state, means).graph_vector)
