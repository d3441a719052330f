import hashlib
import re

import faiss
import numpy as np
import pytest


class WordEncoder:
    """A text's vector is the sum of one random direction for each of its words."""

    name = "words"
    max_length = 64

    def __init__(self, dim=32, seed="0"):
        self.dim = dim
        self.digest = hashlib.sha256(f"{dim} {seed}".encode()).hexdigest()
        self._seed = seed

    def encode(self, texts):
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                number = int.from_bytes(hashlib.sha256((self._seed + word).encode()).digest()[:4], "big")
                vectors[row] += np.random.default_rng(number).standard_normal(self.dim, dtype=np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Shared machines: threads of OpenMP that wait for one another take longer than one alone."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.fixture(scope="session")
def vectors():
    """``float32 [1500, 16]`` in clusters."""
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((60, 16))
    return (centres[draw.integers(0, 60, 1500)] + 0.5 * draw.standard_normal((1500, 16))).astype(np.float32)


@pytest.fixture(scope="session")
def queries(vectors):
    """``float32 [40, 16]`` near some of the vectors."""
    draw = np.random.default_rng(1)
    return vectors[::38][:40] + 0.1 * draw.standard_normal((40, 16)).astype(np.float32)


def scores_naively(vectors, queries, metric):
    """Return ``float64 [B, N]``, higher is better."""
    x, q = vectors.astype(np.float64), queries.astype(np.float64)
    if metric == "l2":
        return -((q[:, None] - x[None]) ** 2).sum(-1)
    if metric == "cosine":
        x, q = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (x, q))
    return q @ x.T


@pytest.fixture
def naive():
    """The function that scores all pairs."""
    return scores_naively


@pytest.fixture
def encoder():
    return WordEncoder()


@pytest.fixture
def encoder_class():
    return WordEncoder
