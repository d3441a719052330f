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
    """Write CommonsenseQA's questions and ids, and a merged ConceptNet."""
    questions, ids = folder / "commonsense_qa", [f"{number:032x}" for number in range(len(TOOLS) * len(ASKED))]
    questions.mkdir()
    with gzip.open(questions / "train_rand_split.jsonl.gz", "wt", encoding="utf-8") as handle:
        handle.writelines(json.dumps(row) + "\n" for row in csqa_rows(ids))
    listed = random.Random(1).sample(ids, 36)
    (questions / "inhouse_split_qids.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    (folder / "conceptnet").mkdir()
    with gzip.open(folder / "conceptnet" / "conceptnet_en.tsv.gz", "wt", encoding="utf-8") as handle:
        handle.writelines(f"{line}\n" for line in [COLUMNS, *conceptnet_lines()])


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
