import dataclasses
import json
import shutil

import numpy as np
import pytest

from kglm.data.facts import CorpusOptions, FactOptions
from kglm.data.facts.corpora import open_corpora, reopen_corpora
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import DataError, EncoderMismatchError, KglmError
from kglm.kg import Triple


def texts_of(corpus):
    return [text for chunk in corpus.index.texts.chunks() for text in chunk]


def question(text, answer, name="q"):
    return MultipleChoiceExample(name, text, (answer, "something else"), ("A", "B"), label=0)


def test_triples_are_compared_by_their_ends_and_count_less_where_their_relation_is_common(open_corpus, graph):
    corpus = open_corpus(CorpusOptions(kind="triples"))
    assert len(corpus.index) == graph.num_triples == 5
    passages = {corpus.passage(position).text: corpus.passage(position) for position in range(5)}
    used, related = passages["trowel is used for dig"], passages["spade is related to garden"]
    assert (used.asked, used.answered) == ("trowel dig", "trowel dig")
    assert used.information == pytest.approx(1 - 1 / 5)
    assert related.information == pytest.approx(1 - 3 / 5)


def test_definitions_stand_under_each_form_frequent_senses_first_without_examples(open_corpus):
    corpus = open_corpus(CorpusOptions(kind="definitions", mode="key"))
    found = [(score, corpus.passage(position).text) for score, position in corpus.look_up(["Hand Spade"])]
    assert found == [
        (1.0, "hand spade: a sturdy hand tool for the ground"),
        (0.5, "hand spade: a small hand tool"),
    ]
    assert corpus.look_up(["nothing", "trowel"]) == [(1.0, corpus.look_up(["trowel"])[0][1])]
    assert corpus.look_up(["nothing"]) == []
    assert not [text for text in texts_of(corpus) if text.startswith("spade.n.01")]


def test_definitions_of_a_graph_of_their_own(open_corpus, tmp_path):
    from kglm.kg import GraphRecipe

    (tmp_path / "own.ttl").write_text(
        "@prefix : <urn:x:> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n"
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        ':a rdfs:label "saw" ; skos:definition "a tool with teeth" ; :isA :b .\n'
    )
    recipe = GraphRecipe(name="own", source=str(tmp_path / "own.ttl"))
    corpus = open_corpus(CorpusOptions(kind="definitions", mode="key", graph=recipe))
    assert texts_of(corpus) == ["saw: a tool with teeth"]


def test_files_are_read_as_they_are_told(open_corpus, tmp_path):
    (tmp_path / "a.tsv").write_text("trowel\tTrowels are tools.\t1.0\n")
    options = CorpusOptions(kind="file", path=str(tmp_path / "a.tsv"), column="1", header=False)
    assert texts_of(open_corpus(options)) == ["Trowels are tools."]
    (tmp_path / "b.jsonl").write_text('{"fact": {"text": "Spades are tools."}}\n')
    assert texts_of(open_corpus(CorpusOptions(kind="file", path=str(tmp_path / "b.jsonl"), column="fact.text"))) == [
        "Spades are tools."
    ]
    with pytest.raises(DataError, match=r"corpus of facts '.*missing.txt' does not exist"):
        open_corpus(CorpusOptions(kind="file", path=str(tmp_path / "missing.txt")))
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(DataError, match="the facts corpus 'corpus' cannot be indexed: there are no texts"):
        open_corpus(CorpusOptions(kind="file", path=str(tmp_path / "empty.txt")))


def test_questions_are_the_labelled_training_ones_in_whatever_order(open_corpus):
    asked = [question("What digs?", "trowel"), question("What sweeps?", "broom"), question("What digs?", "trowel")]
    unlabelled = dataclasses.replace(question("What cuts?", "knife"), label=None)
    one = open_corpus(CorpusOptions(kind="questions"), train=[*asked, unlabelled])
    assert texts_of(one) == ["What digs? trowel", "What sweeps? broom"]
    passage = one.passage(0)
    assert (passage.asked, passage.answered) == ("What digs?", " trowel")
    assert open_corpus(CorpusOptions(kind="questions"), train=asked[::-1]).index.folder == one.index.folder
    assert open_corpus(CorpusOptions(kind="questions"), train=asked[:1]).index.folder != one.index.folder


def test_an_index_is_made_once_for_a_content(open_corpus, tmp_path, monkeypatch):
    path = tmp_path / "facts.txt"
    path.write_text("Trowels dig.\n")
    options = CorpusOptions(kind="file", path=str(path))
    first = open_corpus(options)
    again = open_corpus(dataclasses.replace(options, candidates=3, max_facts=2))
    assert (again.index.folder, again.digest) == (first.index.folder, first.digest)
    path.write_text("Trowels dig holes.\n")
    assert open_corpus(options).digest != first.digest


@pytest.mark.parametrize("mode", ["bm25", "dense", "hybrid"])
def test_searches_are_those_of_the_index_and_are_kept(open_corpus, tiny_encoder, tmp_path, mode, monkeypatch):
    path = tmp_path / "facts.txt"
    path.write_text("Trowels dig.\nBrooms sweep the floor.\nKnives cut bread.\n")
    options = CorpusOptions(kind="file", path=str(path), mode=mode, candidates=2, mention="any")
    corpus = open_corpus(options, encoder=str(tiny_encoder))
    asked = [("What do I dig with?", ["trowel", "a broom"]), ("zzz", ["floor"])]
    scores, positions = corpus.search(asked, tmp_path / "kept")
    queries = ["What do I dig with? trowel", "What do I dig with? a broom", "zzz floor"]
    expected = corpus.index.search(queries, 2, mode=mode, fusion="score")
    assert np.array_equal(positions, expected.positions)
    assert np.array_equal(scores, expected.scores)
    assert positions.shape == (3, 2)

    def refuse(*arguments, **options):
        raise AssertionError("it was searched again")

    monkeypatch.setattr(corpus.index, "search", refuse)
    kept = corpus.search(asked, tmp_path / "kept")
    assert np.array_equal(kept[0], scores)
    assert np.array_equal(kept[1], positions)
    with pytest.raises(AssertionError, match="again"):
        corpus.search(asked[:1], tmp_path / "kept")


def test_words_find_the_best_texts_of_those_that_mention_the_choice(open_corpus, tmp_path):
    path = tmp_path / "facts.txt"
    path.write_text("Trowels dig.\nI dig and dig.\nDig with what you have.\nA broom sweeps.\nTrowels.\n")
    asked = [("What do I dig with?", ["trowel", "broom", "pillow"])]

    def found(**options):
        corpus = open_corpus(CorpusOptions(kind="file", path=str(path), candidates=2, **options))
        return [
            [corpus.passage(position).text for position in row if position >= 0]
            for row in corpus.search(asked)[1].tolist()
        ]

    assert found(mention="choice") == [["Trowels dig.", "Trowels."], ["A broom sweeps."], []]
    assert found(mention="any")[2] != []


@pytest.fixture
def saved(graph, tmp_path, tiny_encoder):
    """Options, what a manifest says, and the folder of a copied corpus."""
    (tmp_path / "facts.txt").write_text("Trowels dig.\nBrooms sweep.\n")
    corpora = {"mine": CorpusOptions(kind="file", path=str(tmp_path / "facts.txt"), mode="hybrid")}
    encoder = tmp_path / "encoder"
    shutil.copytree(tiny_encoder, encoder)
    options = FactOptions(source="retrieved", corpora=corpora, encoder=str(encoder))
    corpus = open_corpora(options, graph, [], tmp_path / "cache")["mine"]
    shutil.copytree(corpus.index.folder, tmp_path / "model" / "mine")
    told = {"mine": {"digest": corpus.digest}}
    return FactOptions.from_dict(json.loads(json.dumps(options.to_dict()))), told, tmp_path / "model"


def test_a_copied_corpus_finds_the_same(saved, graph):
    options, told, folder = saved
    corpus = reopen_corpora(options, graph, folder, told)["mine"]
    assert corpus.digest == told["mine"]["digest"]
    _, positions = corpus.search([("What sweeps?", ["a broom"])])
    assert corpus.passage(int(positions[0, 0])).text == "Brooms sweep."


def test_a_corpus_that_is_missing_damaged_or_another_is_refused(saved, graph, tmp_path):
    options, told, folder = saved
    with pytest.raises(DataError, match=r"'mine' at '.*' is another than the one that the model was trained with"):
        reopen_corpora(options, graph, folder, {"mine": {"digest": "0"}})
    content = (folder / "mine" / "texts.arrow").read_bytes()
    (folder / "mine" / "texts.arrow").write_bytes(content[:-9] + b"x" + content[-8:])
    with pytest.raises(DataError, match=r"the model's facts corpus 'mine' cannot be used: .* is damaged"):
        reopen_corpora(options, graph, folder, told)
    shutil.rmtree(folder / "mine")
    with pytest.raises(DataError, match="reads facts from the corpus 'mine', which is missing at"):
        reopen_corpora(options, graph, folder, told)


def test_another_encoder_under_the_same_name_is_refused(saved, graph, tmp_path):
    options, told, folder = saved
    tokenizer = tmp_path / "encoder" / "tokenizer.json"
    changed = json.loads(tokenizer.read_text())
    changed["normalizer"] = None
    tokenizer.write_text(json.dumps(changed))
    with pytest.raises(EncoderMismatchError):
        reopen_corpora(options, graph, folder, told)
    shutil.rmtree(tmp_path / "encoder")
    with pytest.raises(KglmError, match=r"encoder '.*' cannot be loaded"):
        reopen_corpora(options, graph, folder, told)


def test_triples_belong_to_the_run_s_graph(open_corpus, graph_of):
    other = graph_of(Triple("saw", "UsedFor", "cut"))
    corpus = open_corpus(CorpusOptions(kind="triples"), graph=other)
    assert texts_of(corpus) == ["saw is used for cut"]
