import numpy as np

from kglm.linking.training.sense_vectors import sense_table, sense_texts, sense_vectors


class Reader:
    """Counts what it reads."""

    name, digest, dim = "reader", "0" * 64, 3

    def __init__(self):
        self.read = []

    def encode(self, texts):
        self.read += texts
        return np.array([[len(text), text.count(","), 1] for text in texts], dtype=np.float32)


def test_texts_name_words_definition_kinds_and_examples(wordnet):
    texts = dict(zip(wordnet.entities, sense_texts(wordnet), strict=True))
    assert texts["n00000300"] == 'animal, creature: a living thing that moves; "animals play"'
    assert texts["n00000400"] == "dog, domestic dog: it barks | or whines (animal)"
    assert texts["n00000800"] == "Bank, bank building: where money is kept"
    assert texts["a00001000"] == "doggish: like a dog (canine)"
    assert texts["n00000500"].startswith("cat, ")
    assert texts["n00000500"].partition(":")[0].count(",") == 4


def test_vectors_are_made_once_and_those_of_some_agree_with_all(wordnet, tmp_path):
    reader, some = Reader(), np.array([2, 5, 7])
    part = sense_vectors(wordnet, reader, tmp_path, some)
    assert len(reader.read) == 3
    assert np.array_equal(sense_vectors(wordnet, reader, tmp_path, some), part)
    assert len(reader.read) == 3
    table = sense_table(wordnet, reader, tmp_path)
    assert len(reader.read) == 3 + wordnet.num_entities
    assert np.array_equal(table.rows(some), part)
    assert np.array_equal(sense_vectors(wordnet, reader, tmp_path, np.array([2])), part[:1])
    assert len(reader.read) == 3 + wordnet.num_entities
