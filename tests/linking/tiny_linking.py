"""A small graph of names, one of concepts, and a linker with an encoder of bags of words."""

import zlib

import numpy as np

from kglm.encoders import SpanVectors
from kglm.kg.records import Description, Label, Triple

DIM = 64


class WordEncoder:
    """Vectors of texts as sums of a fixed random vector for each word: close where texts share words."""

    name = "bag of words"
    digest = "bag of words 1"
    max_length = 128
    dim = DIM

    def __init__(self):
        self.read = []

    def encode(self, texts):
        self.read += texts
        return np.stack([_normal(self._sum(text)) for text in texts]) if texts else np.zeros((0, DIM), np.float32)

    def encode_spans(self, texts, spans):
        offsets = np.cumsum([0, *map(len, spans)])
        vectors = [self._sum(text[a:b]) for text, places in zip(texts, spans, strict=True) for a, b in places]
        return SpanVectors(np.array(vectors, np.float32).reshape(-1, DIM), self.encode(list(texts)), offsets)

    def _sum(self, text):
        words = "".join(c if c.isalnum() else " " for c in text.lower()).split()
        total = np.zeros(DIM, np.float32)
        for word in words:
            total += np.random.default_rng(zlib.crc32(word.encode())).normal(size=DIM)
        return total


def _normal(vector):
    return (vector / max(np.linalg.norm(vector), 1e-9)).astype(np.float32)


def name_records():
    """Two people called Steve, a company and a fruit, a university and a town, with what tells them apart."""
    entities = {
        "jobs": ("Steve Jobs", "founder of the computer company Apple", ["Steven Paul Jobs"]),
        "martin": ("Steve Martin", "comedian and film actor", []),
        "apple_inc": ("Apple Inc.", "computer company in California", ["Apple"]),
        "apple_fruit": ("Apple", "fruit of a tree", []),
        "stanford": ("Stanford University", "private university in California", ["SU"]),
        "town": ("Stanford", "town in Kentucky", []),
        "film": ("Roxanne", "film with a comedian", []),
        "un": ("United Nations", "organisation of states", []),
    }
    for name, (label, description, aliases) in entities.items():
        yield Label(name, label, True)
        yield Description(name, description)
        for alias in aliases:
            yield Label(name, alias)
    for head, relation, tail in (
        ("jobs", "founded", "apple_inc"),
        ("jobs", "spoke at", "stanford"),
        ("martin", "played in", "film"),
        ("apple_inc", "near", "stanford"),
        ("apple_fruit", "sold in", "town"),
        ("un", "knows", "stanford"),
    ):
        yield Triple(head, relation, tail)


def concept_records():
    """Concepts in lower case, as in ConceptNet."""
    for head, relation, tail in (
        ("dig hole", "HasPrerequisite", "shovel"),
        ("shovel", "AtLocation", "garden"),
        ("garden", "HasA", "flower"),
        ("bank", "HasA", "money"),
    ):
        yield Triple(head, relation, tail)
