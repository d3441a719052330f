import shutil

import pytest
from small_world import CSQA_DEV, run_kglm, write_small_world

SMALL = ("trainer.batch_size=4", "trainer.eval_batch_size=8", "trainer.precision=fp32", "workers=1")


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory):
    """Compiled graphs, entity tables and features, kept for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """A small world in the layout of the external data sets."""
    folder = tmp_path_factory.mktemp("data")
    write_small_world(folder)
    return folder


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
def compiled(tmp_path_factory, trained):
    """A copy of the compiled graph that the trained model was made on."""
    return shutil.copytree(trained / "best" / "graph", tmp_path_factory.mktemp("compiled") / "graph")
