import pytest

from kglm.data.entity_names import EntityNames
from kglm.data.pretraining.corpus_recipe import CorpusContext, CorpusRecipe
from kglm.errors import ConfigError
from kglm.kg.records import Triple
from kglm.linking import LexicalLinker


@pytest.fixture
def context(graph_of):
    graph = graph_of(Triple("spade", "UsedFor", "digging"), Triple("spade", "IsA", "tool"))
    linker = LexicalLinker(graph)
    return CorpusContext(EntityNames(graph), linker, linker.options.cache_key())


def recipe(kind, linked=False, **options):
    return CorpusRecipe(name="x", kind=kind, options=options, linked=linked)


def test_a_corpus_is_made_once_and_anew_when_what_it_depends_on_changes(context, tokenizers, tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("A spade is a tool.\n")
    linked = recipe("text", linked=True, path=str(tmp_path / "*.txt"))
    tokenizer = tokenizers["wordpiece"]

    def made():
        return len(list((tmp_path / "cache" / "corpora").iterdir()))

    first = linked.open(tokenizer, context, tmp_path / "cache")
    assert first.fingerprint == context.names.graph.fingerprint
    found = {context.names.graph.entities[entity] for entity in first.mentions[:, 2]}
    assert found == {"spade", "tool"}
    linked.open(tokenizer, context, tmp_path / "cache")
    assert made() == 1
    linked.open(tokenizers["unigram"], context, tmp_path / "cache")
    assert made() == 2
    text.write_text("A spade.\n")
    assert len(linked.open(tokenizer, context, tmp_path / "cache").mentions) == 1
    assert made() == 3
    plain = recipe("text", path=str(text)).open(tokenizer, CorpusContext(None), tmp_path / "cache")
    assert (len(plain.mentions), plain.fingerprint) == (0, None)


def test_graphs_as_corpora(context, tokenizers, tmp_path):
    for corpus in (recipe("triples"), recipe("walks", length=2, walks_per_start=1, seed=0)):
        made = corpus.open(tokenizers["byte level"], context, tmp_path)
        assert len(made.mentions) >= 4
        assert made.lost == 0


def test_what_is_missing_is_named(context, tmp_path):
    with pytest.raises(ConfigError, match="needs a graph"):
        recipe("triples").documents(CorpusContext(None))
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(ConfigError, match="needs a linker and a graph"):
        list(recipe("text", linked=True, path=str(tmp_path / "a.txt")).documents(CorpusContext(None)))
