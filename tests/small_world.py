"""A small world in the layout of the external data sets, and a way to run commands in this process."""

import contextlib
import gzip
import io
import json
import logging
import os
import random
from dataclasses import dataclass

import pytest

from kglm.cli.main import main

TOOLS = {
    "trowel": ("plant flowers", "garden"),
    "shovel": ("dig a hole", "shed"),
    "knife": ("cut bread", "kitchen"),
    "spoon": ("eat soup", "table"),
    "broom": ("sweep the floor", "closet"),
    "needle": ("sew clothes", "sewing box"),
    "hammer": ("drive nails", "workshop"),
    "saw": ("cut wood", "barn"),
    "pen": ("write letters", "desk"),
    "brush": ("paint walls", "studio"),
    "kettle": ("boil water", "stove"),
    "ladder": ("reach the roof", "garage"),
}
ASKED = (
    "what do you use to {action}?",
    "i want to {action}, so what do i look for in the {place}?",
    "which thing lies in the {place}?",
    "in the {place} somebody began to {action} with what?",
)
COLUMNS = "head\trelation\ttail\tweights\thead_norm\ttail_norm"
CSQA_DEV = 8


@dataclass(frozen=True)
class Outcome:
    """What a command gave."""

    code: int
    out: str
    err: str


def run_kglm(arguments, folder, data_dir, cache_dir):
    """Run a command in this process, in ``folder``; an error that is not the user's escapes as it is."""
    out, err = io.StringIO(), io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(folder)
        patch.setenv("KGLM_DATA_DIR", str(data_dir))
        patch.setenv("KGLM_CACHE_DIR", str(cache_dir))
        patch.setenv("HYDRA_FULL_ERROR", "0")  # undoes what the command sets
        patch.setattr(os, "fsync", lambda descriptor: None)
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            root.handlers[:], root.level = before
    outcome = Outcome(code, out.getvalue(), err.getvalue())
    assert "Traceback" not in outcome.out + outcome.err, outcome.err
    return outcome


def write_small_world(folder):
    """Write CommonsenseQA's questions and ids, a merged ConceptNet, and what facts are retrieved from."""
    questions, ids = folder / "commonsense_qa", [f"{number:032x}" for number in range(len(TOOLS) * len(ASKED))]
    questions.mkdir()
    with gzip.open(questions / "train_rand_split.jsonl.gz", "wt", encoding="utf-8") as handle:
        handle.writelines(json.dumps(row) + "\n" for row in csqa_rows(ids))
    listed = random.Random(1).sample(ids, 36)
    (questions / "inhouse_split_qids.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    (folder / "conceptnet").mkdir()
    with gzip.open(folder / "conceptnet" / "conceptnet_en.tsv.gz", "wt", encoding="utf-8") as handle:
        handle.writelines(f"{line}\n" for line in [COLUMNS, *conceptnet_lines()])
    write_generics(folder / "genericskb")
    write_wordnet(folder / "wordnet")
    write_openbookqa(folder / "openbookqa")


def write_generics(folder):
    """Write a generic sentence for each tool."""
    folder.mkdir()
    with gzip.open(folder / "genericskb_50k.tsv.gz", "wt", encoding="utf-8") as handle:
        handle.writelines(f"{tool}\tA {tool} serves to {action}.\t1.0\n" for tool, (action, _) in TOOLS.items())


def write_wordnet(folder):
    """Write the tools as synsets below that of tools."""
    folder.mkdir()
    names = [*TOOLS, "tool"]
    glosses = [f'what lies in the {place}; "where is the {tool}?"' for tool, (_, place) in TOOLS.items()]
    synsets = ["\t".join(("synset", "ss_type", "lexfile", "lemmas", "sense_keys", "gloss"))]
    triples = ["\t".join(("head", "relation", "tail", "head_lemma", "tail_lemma"))]
    for number, (name, gloss) in enumerate(zip(names, [*glosses, "a thing of use"], strict=True), start=1):
        synsets.append(f"n{number:08d}\tn\t06\t{name}\t{name}%1:06:00::\t{gloss}")
        if name != "tool":
            triples.append(f"n{number:08d}\thypernym\tn{len(names):08d}\t\t")
    (folder / "synsets.tsv").write_text("\n".join(synsets) + "\n", encoding="utf-8")
    (folder / "triples.tsv").write_text("\n".join(triples) + "\n", encoding="utf-8")


def write_openbookqa(folder):
    """Write OpenBookQA's splits and core facts."""
    folder.mkdir()
    rows = list(csqa_rows([f"7-{number}" for number in range(len(TOOLS) * len(ASKED))]))
    for name, some in (("train", rows[:-12]), ("dev", rows[-12:])):
        for row in some:
            row["question"].pop("question_concept")
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some), encoding="utf-8")
    facts = (f'"a {tool} is used to {action}"\n' for tool, (action, _) in TOOLS.items())
    (folder / "openbook.txt").write_text("".join(facts), encoding="utf-8")


def csqa_rows(ids):
    """Yield one question for each tool and template, in CommonsenseQA's shape."""
    rng = random.Random(0)
    for index, name in enumerate(ids):
        tool = list(TOOLS)[index % len(TOOLS)]
        action, place = TOOLS[tool]
        choices = [tool, *rng.sample([other for other in TOOLS if other != tool], 4)]
        rng.shuffle(choices)
        yield {
            "id": name,
            "answerKey": "ABCDE"[choices.index(tool)],
            "question": {
                "question_concept": tool,
                "stem": ASKED[index // len(TOOLS)].format(action=action, place=place),
                "choices": [{"label": label, "text": text} for label, text in zip("ABCDE", choices, strict=True)],
            },
        }


def conceptnet_lines():
    """Yield a graph in the merged format: relations that stay, that are merged, turned round, and dropped."""
    for tool, (action, place) in TOOLS.items():
        for head, relation, tail in (
            (tool, "UsedFor", action),
            (tool, "AtLocation", place),
            (place, "HasA", tool),
            (action, "HasPrerequisite", "work"),
            (tool, "InstanceOf", "tool"),
            (tool, "NotIsA", "animal"),
        ):
            yield f"{head}\t{relation}\t{tail}\tcn100k=1;cn4=0.5\t{head}\t{tail}"
