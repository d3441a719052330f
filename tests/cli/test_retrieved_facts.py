"""A model that reads retrieved facts, from the command line: trained, asked, scored again, refused if incomplete."""

import json
import shutil

import pytest
from small_world import CSQA_DEV, run_kglm

from kglm.data.facts.corpus import FactCorpus
from kglm.data.multiple_choice import read_examples
from kglm.retrieval import TextIndex


@pytest.fixture(scope="module")
def read(tmp_path_factory, quick, data_dir, cache_dir):
    """The folder of a finished run that reads triples, generic sentences and training questions."""
    folder = tmp_path_factory.mktemp("facts")
    chosen = ("experiment=csqa_facts", "facts=all", "facts/corpora=[genericskb,questions]")
    arguments = ("train", *chosen, f"task.dev_size={CSQA_DEV}", *quick, "run_dir=run")
    outcome = run_kglm(arguments, folder, data_dir, cache_dir)
    assert outcome.code == 0, outcome.err
    return folder / "run"


def test_its_questions_are_those_of_the_training_split(read, data_dir):
    data = data_dir / "commonsense_qa"
    examples = {example.id: example for example in read_examples(data / "train_rand_split.jsonl.gz")}
    listed = (data / "inhouse_split_qids.txt").read_text().split()
    train = [examples[name] for name in listed[:-CSQA_DEV]]
    index = TextIndex.open(read / "best" / "fact_corpora" / "questions")
    told = {text for chunk in index.texts.chunks() for text in chunk}
    assert told == {f"{example.question} {example.choices[example.label]}" for example in train}


def test_an_answer_tells_where_its_facts_came_from(kglm, read, tmp_path):
    asked = ("answer", "What would you use to cut bread in the kitchen?", "-c", "knife", "-c", "pen", "-m", read)
    outcome = kglm(*asked, "--json")
    assert outcome.code == 0, outcome.err
    knife, pen = json.loads(outcome.out)["facts"]
    told = {fact["source"]: fact["text"] for fact in knife}
    assert told["graph"] in {"knife is used for cut bread.", "kitchen has knife.", "knife is found at kitchen."}
    assert "A knife serves to cut bread." in {fact["text"] for fact in knife if fact["source"] == "genericskb"}
    assert pen == [] or {fact["source"] for fact in pen} == {"questions"}
    shown = kglm(*asked)
    best = json.loads(outcome.out)["answer"]
    assert (f"Read with '{best}' (source, score):" in shown.out) == bool(knife if best == "knife" else pen)


def test_evaluating_again_finds_the_same_without_the_corpora_s_files(kglm, read, tmp_path, monkeypatch):
    splits, trained = json.loads((read / "metrics.json").read_text())["splits"], read / "predictions_test.jsonl"
    outcome = kglm("evaluate", f"model={read}", "split=test", "predictions=p.jsonl")
    assert f"accuracy {100 * splits['test']['accuracy']:.1f} %" in outcome.out
    told = [map(json.loads, path.read_text().splitlines()) for path in (tmp_path / "p.jsonl", trained)]
    for mine, theirs in zip(*told, strict=True):
        assert all(mine[key] == theirs[key] for key in ("id", "predicted", "label"))
        assert mine["logits"] == pytest.approx(theirs["logits"], abs=1e-4)  # batches of another size round otherwise

    def refuse(*arguments):
        raise AssertionError("what was found in training is searched again")

    monkeypatch.setattr(FactCorpus, "search", refuse)
    assert kglm("evaluate", f"model={read}", "split=test") == outcome


def test_a_model_without_its_corpus_is_refused(kglm, read, tmp_path):
    shutil.copytree(read, tmp_path / "moved")
    shutil.rmtree(tmp_path / "moved" / "best" / "fact_corpora" / "genericskb")
    outcome = kglm("answer", "What cuts bread?", "-c", "knife", "-c", "pen", "-m", "moved")
    assert outcome.code == 1
    assert "kglm: error: the model reads facts from the corpus 'genericskb', which is missing at" in outcome.err
