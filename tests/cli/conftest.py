import contextlib
import gzip
import io
import json
import logging
import os
import random
from dataclasses import dataclass
from pathlib import Path

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
SMALL = ("trainer.batch_size=4", "trainer.eval_batch_size=8", "trainer.precision=fp32", "workers=1")
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


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory):
    """Compiled graphs, entity tables and features, kept for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A small world in the layout of the external data sets."""
    folder = tmp_path_factory.mktemp("data")
    questions, ids = folder / "commonsense_qa", [f"{number:032x}" for number in range(len(TOOLS) * len(ASKED))]
    questions.mkdir()
    with gzip.open(questions / "train_rand_split.jsonl.gz", "wt", encoding="utf-8") as handle:
        handle.writelines(json.dumps(row) + "\n" for row in csqa_rows(ids))
    listed = random.Random(1).sample(ids, 36)
    (questions / "inhouse_split_qids.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    (folder / "conceptnet").mkdir()
    with gzip.open(folder / "conceptnet" / "conceptnet_en.tsv.gz", "wt", encoding="utf-8") as handle:
        handle.writelines(f"{line}\n" for line in [COLUMNS, *conceptnet_lines()])
    return folder


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


@pytest.fixture
def kglm(tmp_path, data_dir, cache_dir):
    """A function that runs a command in a temporary folder."""
    return lambda *arguments: run_kglm(arguments, tmp_path, data_dir, cache_dir)


@pytest.fixture(scope="session")
def quick(tiny_encoder):
    """Overrides that make any training quick: two steps of a tiny encoder."""
    return (f"encoder.name={tiny_encoder}", "trainer.max_steps=2", *SMALL)


@pytest.fixture(scope="session")
def csqa(quick):
    """Overrides for a quick training on the small world, with the reasoner on."""
    return ("experiment=csqa_kagnet", f"task.dev_size={CSQA_DEV}", *quick)


@pytest.fixture(scope="session")
def trained(tmp_path_factory, csqa, data_dir, cache_dir):
    """The folder of a finished run with a reasoner on the small world."""
    folder = tmp_path_factory.mktemp("trained")
    outcome = run_kglm(("train", *csqa, "run_dir=run"), folder, data_dir, cache_dir)
    assert outcome.code == 0, outcome.err
    return folder / "run"


@pytest.fixture(scope="session")
def compiled(cache_dir, trained):
    """The compiled graph that the trained model was made on."""
    return Path(next((cache_dir / "graphs").glob("conceptnet-*")))
