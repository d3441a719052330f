import pytest

from kglm.kg import GraphRecipe
from kglm.testing.sense_tagged import write_tagged
from kglm.testing.wordnet_samples import table_files, write_files


@pytest.fixture(scope="session")
def wordnet(tmp_path_factory):
    """The compiled sample of WordNet."""
    folder = tmp_path_factory.mktemp("wordnet")
    tables = write_files(folder / "tables", table_files())
    return GraphRecipe(name="wordnet", source=str(tables), format="wordnet").compile(folder / "graph")


@pytest.fixture(scope="session")
def tagged(tmp_path_factory):
    """A file of sense-tagged sentences over the sample."""
    return write_tagged(tmp_path_factory.mktemp("tagged") / "text.jsonl")
