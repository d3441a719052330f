"""Synthetic questions by command, as a task, and what a model trained on them answers without further training."""

import json

import numpy as np
import pytest
from small_world import CSQA_DEV

from kglm.data.multiple_choice import read_examples
from kglm.encoders import TextEncoder

FEW = (
    "task.choices=2",
    "task.without=[IsA]",
    "task.min_weight=0.0",
    "task.held_out=0.5",
    "task.pool=2",
    "task.test=4",
    "task.dev=4",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("made")


def test_questions_are_written_and_trained_on_as_files(kglm, quick, tmp_path):
    command = ("graph", "questions", "everyday", "-n", "12", "--choices", "3", "--without", "RelatedTo")
    for split in ("train", "dev", "test"):
        outcome = kglm(*command, "--split", split, "--out", f"{split}.jsonl", "--json")
        assert outcome.code == 0, outcome.err
        told = json.loads(outcome.out)
        assert (told["questions"], told["cosine_accuracy"]) == (12, None)
        assert sum(told["relations"].values()) == 12
        examples = read_examples(tmp_path / f"{split}.jsonl")
        assert {len(example.choices) for example in examples} == {3}
    again = kglm(*command, "--split", "test", "--out", "again.jsonl")
    assert again.out.startswith("wrote again.jsonl: 12 questions on ")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "test.jsonl").read_bytes()
    files = [f"task.{split}={split}.jsonl" for split in ("train", "dev", "test")]
    outcome = kglm("train", "task=files", *files, *quick, "run_dir=run", "trainer.max_steps=1")
    assert outcome.code == 0, outcome.err


def test_an_encoder_chooses_the_distractors(kglm, tiny_encoder, tmp_path):
    outcome = kglm(
        "graph", "questions", "everyday", "-n", "60", "-c", "4", "-r", "UsedFor", "--encoder", tiny_encoder, "--json",
        "--out", "q.jsonl", "--pool", "24",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    told = json.loads(outcome.out)
    assert set(told["relations"]) == {"UsedFor"}
    assert told["cosine_accuracy"] == pytest.approx(0.25, abs=0.1)


def test_questions_refuses(kglm, tmp_path):
    for arguments, message in [
        (("--relation", "Usedfr"), "unknown relation 'Usedfr'; did you mean 'UsedFor'"),
        (("--split", "valid"), "unknown split 'valid'"),
        (("--out", str(tmp_path)), "is a folder; expected the name of a file"),
        (("--templates", "none.tsv"), "table of question templates 'none.tsv' does not exist"),
        (("--min-weight", "1000000"), "graph 'everyday' gives no question"),
        (("--encoder", str(tmp_path)), "cannot be loaded"),
    ]:
        outcome = kglm("graph", "questions", "everyday", "--out", "q.jsonl", *arguments)
        assert (outcome.code, outcome.out) == (1, "")
        assert message in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def pretrained(quick, data_dir, cache_dir, made):
    from small_world import run_kglm

    arguments = ("train", "experiment=synthetic_conceptnet", *FEW, "task.train=8", *quick, "run_dir=run")
    outcome = run_kglm(arguments, made, data_dir, cache_dir)
    assert outcome.code == 0, outcome.err
    return made / "run"


def test_questions_are_made_once_and_hold_out_their_entities(kglm, pretrained, quick, cache_dir):
    def folders():
        return {folder for folder in (cache_dir / "questions").iterdir() if not folder.name.startswith(".")}

    before = folders()
    arguments = ("train", "experiment=synthetic_conceptnet", *FEW, *quick, "trainer.max_steps=1")
    assert kglm(*arguments, "task.train=8", "run_dir=again").code == 0
    assert folders() == before
    assert kglm(*arguments, "task.train=7", "run_dir=other").code == 0
    (new,) = folders() - before
    manifest = json.loads((new / "manifest.json").read_text())
    assert manifest["made"]["train"]["questions"] == 7
    concepts = [
        {example.question_concept for example in read_examples(new / f"{split}.jsonl")}
        for split in ("train", "dev", "test")
    ]
    assert not concepts[0] & concepts[1]
    assert not concepts[0] & concepts[2]
    assert not concepts[1] & concepts[2]


def test_a_model_is_evaluated_on_another_task_without_training(kglm, pretrained):
    outcome = kglm("evaluate", f"model={pretrained}", "task=csqa", f"task.dev_size={CSQA_DEV}", "split=dev")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("csqa, dev: accuracy ")
    assert f"over {CSQA_DEV} questions" in outcome.out
    own = kglm("evaluate", f"model={pretrained}", "split=dev")
    assert own.out.startswith("synthetic_conceptnet, dev: accuracy ")


def test_fine_tuning_starts_from_it(kglm, pretrained, quick, tmp_path):
    outcome = kglm("train", "task=everyday_qa", f"encoder.checkpoint={pretrained}", *quick, "run_dir=run")
    assert outcome.code == 0, outcome.err


def test_an_untrained_encoder_answers_by_its_cosine(kglm, tiny_encoder, data_dir, tmp_path):
    outcome = kglm(
        "evaluate", "model=null", "encoder=hub", f"encoder.name={tiny_encoder}", "task=everyday_qa", "split=dev",
        "predictions=p.jsonl",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    from kglm.graphs import __path__ as graphs

    examples = read_examples(f"{graphs[0]}/everyday/qa/dev.jsonl")
    reader = TextEncoder.load(str(tiny_encoder))
    right = 0
    for row, example in zip(rows, examples, strict=True):
        question, *choices = reader.encode([example.question, *example.choices])
        np.testing.assert_allclose(np.array(row["logits"]) / 10, choices @ question, atol=1e-4)
        right += row["correct"]
    assert f"everyday_qa, dev: accuracy {100 * right / len(rows):.1f} % over {len(rows)} questions" in outcome.out


def test_faithfulness_of_a_run(kglm, trained, tmp_path):
    arguments = (
        "evaluate",
        "evaluation=faithfulness",
        f"model={trained}",
        "split=dev",
        "draws=2",
        "predictions=f.jsonl",
    )
    outcome = kglm(*arguments)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("csqa, dev, paths: the score falls more without the top path in ")
    rows = [json.loads(line) for line in (tmp_path / "f.jsonl").read_text().splitlines()]
    assert 0 < len(rows) <= CSQA_DEV
    assert all(row["kind"] == "paths" and 1 <= len(row["random"]) <= 2 < row["count"] + 1 for row in rows)
    assert kglm(*arguments).out == outcome.out


def test_faithfulness_needs_evidence(kglm, pretrained):
    outcome = kglm("evaluate", "evaluation=faithfulness", f"model={pretrained}", "split=dev")
    assert outcome.code == 1
    assert "answers from the text alone: it has no evidence to delete" in outcome.err
