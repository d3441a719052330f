import json

import pytest
import torch
from toy_choice import ToyData, ToyModel, collate, config

from kglm.errors import DataError
from kglm.training.checkpoint import (
    checkpoint_exists,
    load_checkpoint,
    optimizer_tensors,
    read_state,
    save_checkpoint,
)
from kglm.training.optimization import build_optimizer
from kglm.training.reproducibility import RngState


def trained(steps=2, seed=0):
    model = ToyModel(seed=seed)
    optimizer = build_optimizer(model, config())
    for i in range(steps):
        batch = collate([ToyData()[i]])
        batch.pop("ids")
        model(**batch).loss.backward()
        optimizer.step()
    return model, optimizer


def same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


def test_everything_comes_back_bit_for_bit(tmp_path):
    model, optimizer = trained()
    save_checkpoint(
        tmp_path / "last",
        model,
        optimizer_tensors(model, optimizer),
        [RngState.capture(), RngState.capture()],
        {"step": 2},
    )
    expected = torch.rand(3)
    other, other_optimizer = trained(0, seed=1)
    states = load_checkpoint(tmp_path / "last", other, other_optimizer)
    assert read_state(tmp_path / "last") == {"step": 2}
    assert len(states) == 2
    states[1].restore()
    assert torch.equal(torch.rand(3), expected)
    same(model.state_dict(), other.state_dict())
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        same(optimizer.state[p], other_optimizer.state[q])


def test_nothing_is_pickled(tmp_path):
    model, optimizer = trained()
    save_checkpoint(tmp_path / "last", model, optimizer_tensors(model, optimizer), [RngState.capture()], {})
    names = {path.name for path in (tmp_path / "last").iterdir()}
    assert names == {"model.safetensors", "optimizer.safetensors", "rng.safetensors", "state.json"}


def test_tied_parameters_are_saved_once_and_restored(tmp_path):
    model, _ = trained()
    model.twin = model.head
    optimizer = build_optimizer(model, config())
    save_checkpoint(tmp_path / "last", model, optimizer_tensors(model, optimizer), [RngState.capture()], {})
    other, _ = trained(0, seed=1)
    other.twin = other.head
    load_checkpoint(tmp_path / "last", other, build_optimizer(other, config()))
    assert torch.equal(other.head.weight, model.head.weight)
    assert other.twin.weight is other.head.weight


def test_what_does_not_fit_is_refused_with_its_place(tmp_path):
    model, optimizer = trained()
    last = tmp_path / "last"
    assert not checkpoint_exists(last)
    save_checkpoint(last, model, optimizer_tensors(model, optimizer), [RngState.capture()], {})
    assert checkpoint_exists(last)
    other = ToyModel()
    other.extra = torch.nn.Linear(2, 2)
    with pytest.raises(DataError, match="does not fit this model"):
        load_checkpoint(last, other, build_optimizer(other, config()))
    model.encoder.requires_grad_(False)
    with pytest.raises(DataError, match=r"optimizer state for 'encoder\.0\.\w+', which is not trained here"):
        load_checkpoint(last, model, build_optimizer(model, config()))
    manifest = json.loads((last / "state.json").read_text())
    (last / "state.json").write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(DataError, match="has format 99; this version of kglm reads 1"):
        read_state(last)
    (last / "state.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        read_state(last)
