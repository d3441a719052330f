import numpy as np
import pytest
import torch

from kglm.nn.entity_gate import EntityGate

D_S, D_T, D = 5, 3, 4


@pytest.fixture
def gate():
    torch.manual_seed(0)
    module = EntityGate(structural_dim=D_S, textual_dim=D_T, output_dim=D)
    torch.nn.init.normal_(module.gate.weight)
    return module


def naive(gate, s, t):
    w = {name: value.detach().double().numpy() for name, value in gate.state_dict().items()}
    out = np.zeros(D)
    both = np.concatenate([s, t])
    for d in range(D):
        g = 1 / (1 + np.exp(-(w["gate.weight"][d] @ both + w["gate.bias"][d])))
        from_s = w["structural.weight"][d] @ s + w["structural.bias"][d]
        from_t = w["textual.weight"][d] @ t + w["textual.bias"][d]
        if s.any() and t.any():
            out[d] = g * from_s + (1 - g) * from_t
        elif s.any():
            out[d] = from_s
        elif t.any():
            out[d] = from_t
    return out


def test_mixed_as_the_formula_says_and_missing_vectors_left_out(gate):
    structural, textual = torch.randn(2, 4, D_S), torch.randn(2, 4, D_T)
    structural[0, 1], textual[0, 2], structural[1, 3], textual[1, 3] = 0, 0, 0, 0
    found = gate(structural, textual)
    assert found.shape == (2, 4, D)
    for b in range(2):
        for n in range(4):
            expected = naive(gate, structural[b, n].double().numpy(), textual[b, n].double().numpy())
            np.testing.assert_allclose(found[b, n].detach().numpy(), expected, atol=1e-5)
    assert not found[1, 3].any()


def test_an_untrained_gate_mixes_all_alike():
    gate = EntityGate(structural_dim=D_S, textual_dim=D_T, output_dim=D, initial_gate=0.25)
    torch.testing.assert_close(gate.shares(torch.randn(6, D_S), torch.randn(6, D_T)), torch.full((6, D), 0.25))
    with pytest.raises(ValueError, match=r"initial_gate is 1\.0"):
        EntityGate(structural_dim=D_S, textual_dim=D_T, output_dim=D, initial_gate=1.0)


def test_a_missing_vector_has_no_gradient_and_the_gate_learns(gate):
    structural, textual = torch.randn(3, D_S), torch.randn(3, D_T)
    textual[0] = 0
    textual.requires_grad_()
    gate(structural, textual).square().sum().backward()
    assert not textual.grad[0].any()
    assert textual.grad[1:].any()
    assert gate.gate.weight.grad.any()
