import gzip
import itertools
import json

import pytest

ENTITIES = [f"E{i}" for i in range(5)]


@pytest.fixture(scope="session")
def tiny_task_dir(tmp_path_factory):
    """A graph of five entities, and sentences about them under other names, in wiki80's format."""
    folder = tmp_path_factory.mktemp("tiny tasks")
    (folder / "graph.tsv").write_text("".join(f"{a}\tknows\t{b}\n" for a, b in itertools.pairwise(ENTITIES)))
    with gzip.open(folder / "names.jsonl.gz", "wt") as file:
        for i, name in enumerate(ENTITIES[:4]):
            file.write(json.dumps({"qid": f"Q{i}", "name": name}) + "\n")
    with open(folder / "relations.json", "w") as file:
        for i in range(60):
            head, tail = i % 5, (i + 1 + i // 5) % 5
            words = ["the", f"q{head}", ("dig", "cut")[i % 2], "the", f"q{tail}", "in", f"garden {i}"]
            ends = {"h": {"id": f"Q{head}", "pos": [1, 2]}, "t": {"id": f"Q{tail}", "pos": [4, 5]}}
            file.write(json.dumps({"token": words, **ends, "relation": ("digs", "cuts")[i % 2]}) + "\n")
    return folder


@pytest.fixture(scope="session")
def tiny_graph(tiny_task_dir):
    """Overrides that name the graph and the entities' other names."""
    return (
        "graph=file",
        f"graph.source={tiny_task_dir / 'graph.tsv'}",
        f"entities.aliases={{file: {tiny_task_dir / 'names.jsonl.gz'}, name: qid, entity: name}}",
    )


@pytest.fixture(scope="session")
def two_steps(tiny_encoder):
    """Overrides that make a training with a fusion encoder quick."""
    return (
        f"encoder.name={tiny_encoder}",
        f"entities.text_encoder={tiny_encoder}",
        "trainer.max_steps=2",
        "trainer.batch_size=4",
        "trainer.eval_batch_size=8",
        "trainer.precision=fp32",
    )
