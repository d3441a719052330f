import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from kglm.data.entity_inputs import TextCollator
from kglm.data.entity_vectors import MentionVectors
from kglm.data.pretraining.semcor import TaggedSentence, TaggedWord
from kglm.data.word_senses import (
    UNKNOWN,
    SenseCollator,
    SenseDataset,
    part_of_speech,
    to_examples,
    wordnet_inventory,
)
from kglm.errors import DataError
from kglm.kg.records import Label, Triple
from kglm.models.modeling_fusion_senses import FusionEncoderForWordSenses
from kglm.testing import tiny_fusion_encoder


@pytest.fixture
def wordnet(graph_of):
    return graph_of(
        Triple("n1", "hypernym", "n2"),
        Triple("v3", "entailment", "v4"),
        Label("n1", "dog.n.01", count=3),
        Label("n2", "dog.n.02", count=0),
        Label("v3", "dog.v.01", count=1),
    )


SENTENCES = [
    TaggedSentence(
        "f.s1",
        "The dog dogs it",
        (TaggedWord(4, 7, "dog", "NN", ("n2",)), TaggedWord(8, 12, "dog", "VB", ("v3",))),
    ),
    TaggedSentence(
        "f.s2",
        "A dog and x",
        (TaggedWord(2, 5, "dog", "NOUN", ("n9",)), TaggedWord(10, 11, "x", "NN", ("n1",))),
    ),
    TaggedSentence("f.s3", "x", (TaggedWord(0, 1, "x", "NN", ("n1",)),)),
]


def test_words_have_their_senses_by_frequency(wordnet):
    first, second = to_examples(SENTENCES, wordnet_inventory(wordnet), wordnet)
    assert (first.labels, first.pos) == ((1, 0), ("n", "v"))
    assert (second.labels, second.pos) == ((UNKNOWN,), ("n",))  # its sense is not in the inventory; x has none
    dog = first.text.mentions[0]
    assert [wordnet.entities[candidate.entity] for candidate in dog.candidates] == ["n1", "n2"]
    assert [candidate.probability for candidate in dog.candidates] == pytest.approx([3.5 / 4, 0.5 / 4])


def test_parts_of_speech():
    tags = ["NN", "NNP", "VB", "VERB", "JJ", "ADJ", "RB", "ADV", "NOUN"]
    assert "".join(map(part_of_speech, tags)) == "nnvvaarrn"
    with pytest.raises(DataError, match="'DET' is none of"):
        part_of_speech("DET")


def test_batch_feeds_the_model(wordnet, tokenizer):
    examples = to_examples(SENTENCES, wordnet_inventory(wordnet), wordnet)
    vectors = MentionVectors(np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32), "x")
    data = SenseDataset(examples, tokenizer, 64)
    batch = SenseCollator(TextCollator(tokenizer, vectors), vectors)(list(data))
    assert batch["labels"].tolist() == [[1, 0], [UNKNOWN, UNKNOWN]]
    assert batch["sense_index"].shape == (2, 2, 2)
    for row, example in enumerate(examples):
        for place, mention in enumerate(example.text.mentions):
            for k, candidate in enumerate(mention.candidates):
                vector = batch["sense_embeds"][batch["sense_index"][row, place, k]]
                assert torch.equal(vector, torch.from_numpy(vectors.vectors[candidate.entity]))
                prior = batch["sense_priors"][row, place, k]
                assert prior == pytest.approx(math.log(candidate.probability), rel=1e-6)
            assert (batch["sense_index"][row, place, len(mention.candidates) :] == -1).all()
    mixed = sum(c.probability * vectors.vectors[c.entity] for c in examples[0].text.mentions[0].candidates)
    np.testing.assert_allclose(batch["entity_embeds"][0, 0], mixed, rtol=1e-5)
    model = tiny_fusion_encoder(FusionEncoderForWordSenses)
    output = model(**{key: value for key, value in batch.items() if key != "ids"})
    assert output.loss.isfinite()


def test_hidden_words_are_masked_and_nothing_else(wordnet, tokenizer):
    sentences = [replace(SENTENCES[0], id=f"f.s{i}") for i in range(200)]
    examples = to_examples(sentences, wordnet_inventory(wordnet), wordnet)
    shown, hidden, again = (SenseDataset(examples, tokenizer, 64, hidden=share).encoded for share in (0.0, 0.3, 0.3))
    assert [text.input_ids for text in hidden] == [text.input_ids for text in again]
    masked = 0
    for before, after in zip(shown, hidden, strict=True):
        expected = list(before.input_ids)
        for start, end in before.spans.tolist():
            if after.input_ids[start] == tokenizer.mask_token_id:
                expected[start:end] = [tokenizer.mask_token_id] * (end - start)
                masked += 1
        assert after.input_ids == expected
    assert masked == pytest.approx(0.3 * 400, abs=30)


def test_mistakes_are_named(wordnet, graph_of, tokenizers):
    with pytest.raises(DataError, match="knows no senses of lemmas"):
        wordnet_inventory(graph_of(Triple("a", "r", "b")))
    examples = to_examples(SENTENCES, wordnet_inventory(wordnet), wordnet)
    with pytest.raises(DataError, match=r"words of sentence 'f\.s1' lie beyond max_length=3"):
        SenseDataset(examples, tokenizers["wordpiece"], 3)
