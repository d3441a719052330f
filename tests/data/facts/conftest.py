import pytest

from kglm.data.facts import FactOptions
from kglm.data.facts.corpora import open_corpora
from kglm.kg.records import Description, Label, Triple
from kglm.linking import LexicalLinker
from kglm.testing import tiny_tokenizer

WORDS = "trowel dig garden tool is used for a the found at gardens hold trowels what with spade shovel where".split()


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer(WORDS)


@pytest.fixture(scope="session")
def graph(graph_of):
    return graph_of(
        Triple("trowel", "UsedFor", "dig"),
        Triple("trowel", "RelatedTo", "garden"),
        Triple("garden", "RelatedTo", "flower"),
        Triple("spade", "RelatedTo", "garden"),
        Triple("spade", "IsA", "tool"),
        Label("trowel", "hand spade", count=1),
        Label("spade", "hand spade", count=5),
        Label("spade", "spade.n.01"),
        Description("trowel", 'a small hand tool; "she dug with a trowel"'),
        Description("spade", "a sturdy hand tool for the ground"),
    )


@pytest.fixture(scope="session")
def linker(graph):
    return LexicalLinker(graph)


@pytest.fixture
def open_corpus(graph, tmp_path):
    """A function that indexes one corpus under the given options."""

    def make(options, train=(), graph=graph, encoder="none"):
        facts = FactOptions(source="retrieved", corpora={"corpus": options}, encoder=encoder)
        return open_corpora(facts, graph, train, tmp_path / "cache")["corpus"]

    return make
