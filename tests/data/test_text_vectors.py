import numpy as np
import pytest
import torch
from transformers import BertModel

from kglm.data import text_vectors as module
from kglm.data.collator import MultipleChoiceCollator, MultipleChoiceDataset
from kglm.data.facts import Fact
from kglm.data.facts.selection import joined
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.text_vectors import text_vectors
from kglm.testing import tiny_bert_config, tiny_tokenizer

EXAMPLES = [
    MultipleChoiceExample("1", "what do i dig with", ("trowel", "cake"), ("A", "B"), label=1),
    MultipleChoiceExample("2", "where", ("garden", "trowel", "house"), ("A", "B", "C"), label=0),
]
FACTS = [(Fact("dig", 1.0),), (), (Fact("house garden", 1.0),), (), (Fact("where", 1.0),)]
QUESTIONS = [0, 0, 1, 1, 1]  # of each pair


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer("what do i dig with trowel cake where garden house".split())


@pytest.fixture(scope="module")
def encoder():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BertModel(tiny_bert_config(hidden_dropout_prob=0.5), add_pooling_layer=False).train()


@pytest.fixture(scope="module")
def dataset(tokenizer):
    return MultipleChoiceDataset(EXAMPLES, tokenizer, 32, facts=FACTS)


def naive(encoder, tokenizer, *texts):
    """The mean over the tokens of a text, or of a pair of texts, read alone."""
    encoder.eval()
    with torch.inference_mode():
        vector = encoder(**tokenizer(*texts, return_tensors="pt")).last_hidden_state[0].mean(0).numpy()
    encoder.train()
    return vector


def test_vectors_are_those_of_each_text_read_alone(encoder, tokenizer, dataset, tmp_path):
    table = text_vectors(dataset, encoder, tokenizer, tmp_path)
    assert encoder.training
    choices = [choice for example in EXAMPLES for choice in example.choices]
    asked = [EXAMPLES[i].question for i in QUESTIONS]
    read = [f"{choice}. {joined(facts)}" if facts else choice for choice, facts in zip(choices, FACTS, strict=True)]
    for rows, texts in (
        (table.question_rows, [(question,) for question in asked]),
        (table.choice_rows, [(choice,) for choice in choices]),
        (table.informed_rows, [(text,) for text in read]),
        (table.statement_rows, list(zip(asked, read, strict=True))),
        (table.bare_rows, list(zip(asked, choices, strict=True))),
    ):
        expected = np.stack([naive(encoder, tokenizer, *text) for text in texts])
        np.testing.assert_allclose(table.vectors[rows], expected, atol=1e-6)
    # Two questions, four different choices, three with facts, five pairs with their facts, and three of them without.
    assert table.vectors.shape == (2 + 4 + 3 + 5 + 3, 32)
    assert table.vectors.dtype == np.float32


def test_a_batch_holds_the_rows_of_its_texts(encoder, tokenizer, dataset, tmp_path):
    table = text_vectors(dataset, encoder, tokenizer, tmp_path)
    collator = MultipleChoiceCollator(tokenizer, vectors=table)
    batch = collator([dataset[1], dataset[0]])
    assert set(batch) == {"ids", "num_choices", "labels", "vectors"}
    order = [2, 3, 4, 0, 1]
    assert np.array_equal(batch["vectors"].question, table.vectors[table.question_rows[[2, 0]]])
    assert np.array_equal(batch["vectors"].choice, table.vectors[table.choice_rows[order]])
    assert np.array_equal(batch["vectors"].statement, table.vectors[table.statement_rows[order]])


def test_dropped_facts_are_those_that_are_dropped_from_the_tokens(encoder, tokenizer, dataset, tmp_path):
    table = text_vectors(dataset, encoder, tokenizer, tmp_path)
    seen = set()
    for epoch in range(20):
        collator = MultipleChoiceCollator(tokenizer, fact_dropout=0.5, seed=3, epoch=epoch)
        batch = collator([dataset[0], dataset[1]])
        inputs = {key: batch[key] for key in ("input_ids", "attention_mask", "token_type_ids")}
        encoder.eval()
        with torch.inference_mode():
            hidden = encoder(**inputs).last_hidden_state
        encoder.train()
        mask = batch["attention_mask"].unsqueeze(-1)
        collator.vectors = table
        vectors = collator([dataset[0], dataset[1]])["vectors"]
        statements, bare = vectors.statement, collator._dropped(dataset[0])
        informed = np.where(
            bare[:, None], table.vectors[table.choice_rows[:2]], table.vectors[table.informed_rows[:2]]
        )
        assert np.array_equal(vectors.informed[:2], informed)
        torch.testing.assert_close(statements, (hidden * mask).sum(1) / mask.sum(1), atol=1e-6, rtol=0)
        seen.add(tuple(batch["attention_mask"].sum(1).tolist()))
    assert len(seen) > 3


def test_they_are_kept_and_found_again_until_something_changes(encoder, tokenizer, dataset, tmp_path, monkeypatch):
    kept = tmp_path / "text_vectors"
    first = text_vectors(dataset, encoder, tokenizer, tmp_path)
    assert isinstance(first.vectors, np.memmap)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_encode", None)
        again = text_vectors(dataset, encoder, tokenizer, tmp_path)
    assert np.array_equal(again.vectors, first.vectors)
    text_vectors(MultipleChoiceDataset(EXAMPLES, tokenizer, 32), encoder, tokenizer, tmp_path)  # other texts
    assert len(list(kept.iterdir())) == 2
    with torch.no_grad():
        encoder.encoder.layer[0].output.dense.bias[0] += 1
    other = text_vectors(dataset, encoder, tokenizer, tmp_path)
    assert len(list(kept.iterdir())) == 3
    assert not np.allclose(other.vectors, first.vectors, atol=1e-3)


def test_an_encoder_saved_and_loaded_finds_them_too(encoder, tokenizer, dataset, tmp_path, monkeypatch):
    first = text_vectors(dataset, encoder, tokenizer, tmp_path)
    encoder.save_pretrained(tmp_path / "encoder")
    loaded = BertModel.from_pretrained(tmp_path / "encoder", add_pooling_layer=False)
    monkeypatch.setattr(module, "_encode", None)
    assert np.array_equal(text_vectors(dataset, loaded, tokenizer, tmp_path).vectors, first.vectors)
