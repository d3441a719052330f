import pytest

from kglm.testing import tiny_tokenizer
from kglm.testing.tokenizers import tiny_byte_level_tokenizer, tiny_unigram_tokenizer

SENTENCES = [
    "New York City is larger than York, and the York-based New Yorker knows it.",
    "The naïve café owner dug a hole with a shovel in the garden of the house.",
    "Paris Paris Paris: the overheads of head and over, hand-made in Osaka.",
]


@pytest.fixture(scope="session")
def tokenizers():
    """The three families; the byte-level one twice, for its places may have the blank or not."""
    words = [word for sentence in SENTENCES for word in sentence.split()]
    return {
        "wordpiece": tiny_tokenizer(words),
        "byte level": tiny_byte_level_tokenizer(SENTENCES * 4),
        "byte level, blanks": tiny_byte_level_tokenizer(SENTENCES * 4, trim_offsets=False),
        "unigram": tiny_unigram_tokenizer(SENTENCES * 4),
    }


FAMILIES = ["wordpiece", "byte level", "byte level, blanks", "unigram"]


@pytest.fixture(params=FAMILIES)
def tokenizer(request, tokenizers):
    return tokenizers[request.param]
