import pytest
import torch
from torch import nn

from kglm.testing import random_graph_batch, tiny_knowledge_qa

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


def tokens(rows, width):
    ids = torch.arange(rows * width).reshape(rows, width) % 500 + 5
    return ids, torch.ones_like(ids)


def batch():
    named = {}
    for prefix, rows, width in (("", 5, 12), ("question_", 2, 8), ("choice_", 5, 4)):
        named[f"{prefix}input_ids"], named[f"{prefix}attention_mask"] = tokens(rows, width)
    return {**named, "num_choices": torch.tensor([2, 3]), "labels": torch.tensor([1, 2])}


def test_scores_and_gradients_equal_those_on_the_cpu():
    model, graph, inputs = tiny_knowledge_qa(), random_graph_batch(), batch()
    nn.init.normal_(model.score_head.weight)
    on_cpu = model(**inputs, graph=graph)
    on_cpu.loss.backward()
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    model.cuda()
    on_gpu = model(**{name: value.cuda() for name, value in inputs.items()}, graph=graph.to("cuda"))
    on_gpu.loss.backward()
    torch.testing.assert_close(on_gpu.logits.cpu(), on_cpu.logits, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(on_gpu.path_attention.cpu(), on_cpu.path_attention, atol=1e-4, rtol=1e-4)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad.cpu(), gradients[name], atol=1e-3, rtol=1e-3)
