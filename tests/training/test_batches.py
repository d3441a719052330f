from collections import namedtuple
from dataclasses import dataclass

import torch

from kglm.training import model_inputs, number_of_questions

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Graphs:
    nodes: torch.Tensor
    moved: bool = False

    def to(self, device, non_blocking=False):
        return Graphs(self.nodes.to(device), moved=True)


def test_everything_that_holds_tensors_is_moved_and_metadata_stays_behind():
    Pair = namedtuple("Pair", "a b")
    meta = torch.device("meta")
    one = torch.ones(2)
    batch = {"x": one, "list": [one, "word"], "dict": {"y": (one, 3)}, "pair": Pair(one, None), "ids": ["q"]}
    inputs = model_inputs(batch, meta)
    assert set(inputs) == {"x", "list", "dict", "pair"}
    assert {inputs["x"].device, inputs["list"][0].device, inputs["dict"]["y"][0].device} == {meta}
    assert (inputs["list"][1], inputs["dict"]["y"][1]) == ("word", 3)
    assert isinstance(inputs["pair"], Pair)
    assert inputs["pair"].a.device == meta


def test_a_frozen_dataclass_moves_itself():
    assert model_inputs({"graphs": Graphs(torch.ones(1))}, CPU)["graphs"].moved


def test_questions_are_counted_not_choices():
    assert number_of_questions({"num_choices": torch.tensor([2, 5]), "labels": torch.zeros(2)}) == 2
    assert number_of_questions({"labels": torch.zeros(3)}) == 3
