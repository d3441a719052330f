"""What each reasoner shows of how it answered."""

import pytest
import torch
from torch import nn

from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.inference import Answerer
from kglm.models.reasoners import REASONERS
from kglm.nn.reasoner import path_shares

QUESTION = "I dug in the garden to plant flowers. What did I dig with?"
CHOICES = ["trowel", "excavator", "knife", "pillow"]
WEIGHS_PATHS = {"kagnet", "mhgrn", "relation_network"}
WEIGHS_NODES = {"gcn", "greaselm", "mhgrn", "qagnn", "rgcn"}


@pytest.fixture(params=REASONERS)
def answerer(request, make_bundle):
    bundle = make_bundle(reasoner=request.param)
    torch.manual_seed(0)
    for parameter in bundle.model.reasoner.parameters():
        nn.init.normal_(parameter, std=0.3)
    return Answerer(bundle, device="cpu")


def test_it_shows_what_it_weighs(answerer):
    name = answerer.model.config.reasoner["name"]
    answer = answerer.answer(QUESTION, CHOICES)
    assert bool(answer.paths) == (name in WEIGHS_PATHS)
    assert bool(answer.nodes) == (name in WEIGHS_NODES)
    assert ("Evidence for" in str(answer) or "Concepts looked at for" in str(answer)) == bool(
        answer.evidence() or answer.attended_nodes()
    )
    for label in "ABCD":
        assert sum(path.attention for path in answer.evidence(label)) <= 1 + 1e-5
        nodes = answer.attended_nodes(label)
        assert not nodes or sum(node.attention for node in nodes) == pytest.approx(1, abs=1e-5)
    assert all((node.relevance is None) == (name != "qagnn") for node in answer.nodes)


def test_shares_stand_at_the_right_question_whatever_the_batch(answerer):
    texts = [(QUESTION, CHOICES), ("What is used to cut wood?", ["saw", "trowel"]), ("Quux?", ["zzyzx", "saw"])]
    examples = [MultipleChoiceExample.from_texts(question, choices) for question, choices in texts]
    together = answerer.answer_all(examples)
    for (question, choices), one in zip(texts, together, strict=True):
        alone = answerer.answer(question, choices)
        assert shares(alone) == pytest.approx(shares(one), abs=1e-5)


def shares(answer):
    paths = {(path.choice, *path.entities): path.attention for path in answer.paths}
    return paths | {(node.choice, "node", node.entity): node.attention for node in answer.nodes}


def test_a_node_is_named_by_its_place_in_the_question_or_the_choice(make_bundle):
    answer = Answerer(make_bundle(reasoner="gcn"), device="cpu").answer(QUESTION, CHOICES)
    roles = {(node.choice, node.entity): node.role for node in answer.nodes}
    assert roles["A", "trowel"] == "choice"
    assert roles["A", "dig"] == "question"
    assert "other" in roles.values()


def test_path_shares_multiply_where_pairs_are_weighed():
    paths, pairs, owner = torch.tensor([0.5, 0.5, 1.0]), torch.tensor([0.2, 0.8]), torch.tensor([0, 0, 1])
    torch.testing.assert_close(path_shares(paths, pairs, owner), torch.tensor([0.1, 0.1, 0.8]))
    assert path_shares(paths, None, owner) is paths
