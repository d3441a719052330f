from __future__ import annotations

import pytest
import torch

from kglm.models import FusionEncoderModel
from kglm.testing import random_entity_batch, tiny_fusion_encoder

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.mark.parametrize("alignment", ["first", "span"])
def test_states_and_gradients_equal_those_on_the_cpu(alignment) -> None:
    model = tiny_fusion_encoder(FusionEncoderModel, alignment=alignment).double()
    batch = random_entity_batch()
    on_cpu = model(**batch)
    on_cpu.last_hidden_state.square().sum().backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    model.cuda()
    on_gpu = model(**{name: value.cuda() for name, value in batch.items()})
    on_gpu.last_hidden_state.square().sum().backward()
    torch.testing.assert_close(on_gpu.last_hidden_state.cpu(), on_cpu.last_hidden_state, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(on_gpu.entity_states.cpu(), on_cpu.entity_states, rtol=1e-9, atol=1e-9)
    for name, parameter in model.named_parameters():
        if name in gradients:
            torch.testing.assert_close(parameter.grad.cpu(), gradients[name], rtol=1e-6, atol=1e-8)
