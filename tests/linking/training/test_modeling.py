import numpy as np
import pytest
import torch

from kglm.encoders import load_encoder
from kglm.errors import ConfigError
from kglm.linking.evaluation.sense_tagged import read_sense_tagged
from kglm.linking.priors import degrees, surface_prior
from kglm.linking.training.collator import SenseCollator, SenseDataset
from kglm.linking.training.examples import sense_examples
from kglm.linking.training.measures import measure
from kglm.linking.training.modeling import START_WEIGHTS, SenseMatcher


@pytest.fixture
def world(wordnet, tagged, tiny_encoder):
    """Encoder, tokenizer, examples, trained entities and their vectors."""
    encoder, tokenizer = load_encoder(str(tiny_encoder))
    examples = sense_examples(wordnet, read_sense_tagged(tagged), counted=True)
    dataset = SenseDataset(examples, undecided=True)
    entities = dataset.entities()
    vectors = np.random.default_rng(0).normal(size=(len(entities), encoder.config.hidden_size))
    return encoder, dataset, SenseCollator(tokenizer, wordnet, entities, 32), entities, vectors.astype(np.float32)


def naive(matcher, world, wordnet, example):
    """Restate the equations for one sentence; return the log-probabilities and the loss."""
    encoder, _, collate, entities, vectors = world
    tokens = collate.tokenizer(example.text, return_offsets_mapping=True, return_tensors="pt")
    places = tokens.pop("offset_mapping")[0].tolist()
    hidden = encoder(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).last_hidden_state[0]

    def norm(vector):
        return vector / vector.norm()

    weights = matcher.factors * torch.tensor(list(START_WEIGHTS.values()))
    logits, losses = [], []
    for one in example.mentions:
        touched = [i for i, (a, b) in enumerate(places) if a < one.end and b > one.start and b > a]
        span, text = norm(hidden[touched].mean(0)), norm(hidden.mean(0))
        prior = surface_prior(np.array(one.counts), degrees(wordnet, np.array(one.candidates)))
        scores = []
        for candidate, p in zip(one.candidates, prior, strict=True):
            row = entities.tolist().index(candidate)
            g = torch.tensor(vectors[row])
            e = norm(g + g @ matcher.map + matcher.offsets[row])
            scores.append(weights[0] * float(np.log(p)) + weights[1] * (text @ e) + weights[2] * (span @ e))
        logs = torch.log_softmax(torch.stack(scores), 0)
        logits.append(logs)
        if any(one.right):
            losses.append(-torch.logsumexp(logs[torch.tensor(one.right)], 0))
    return torch.cat(logits), torch.stack(losses)


def test_a_batch_is_what_the_equations_say_of_each_sentence(world, wordnet):
    encoder, dataset, collate, _, vectors = world
    matcher = SenseMatcher(encoder, vectors).eval()
    with torch.no_grad():
        matcher.map.normal_(std=0.1)
        matcher.offsets.normal_(std=0.1)
        matcher.factors.uniform_(0.5, 1.5)
    examples = [dataset[0], dataset[5], dataset[9]]
    batch = collate(examples)
    batch.pop("ids")
    output = matcher(**batch)
    logits, losses = zip(*(naive(matcher, world, wordnet, example) for example in examples), strict=True)
    torch.testing.assert_close(output.logits, torch.cat(logits), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(output.loss, torch.cat(losses).mean(), atol=1e-5, rtol=1e-5)


def test_it_learns_what_the_context_tells_and_measures_agree(world):
    encoder, dataset, collate, _, vectors = world
    torch.manual_seed(0)
    matcher = SenseMatcher(encoder, vectors)
    ambiguous = SenseDataset(list(dataset))
    before = measure(matcher.eval(), ambiguous, collate, 8, torch.device("cpu"))
    optimizer = torch.optim.AdamW(matcher.parameters(), lr=3e-3)
    batch = collate(list(ambiguous))
    batch.pop("ids")
    for _ in range(30):
        optimizer.zero_grad()
        matcher.train()(**batch).loss.backward()
        optimizer.step()
    after = measure(matcher.eval(), ambiguous, collate, 8, torch.device("cpu"))
    assert after["likelihood"] > before["likelihood"]
    assert after["accuracy"] == 1.0
    assert -after["likelihood"] == pytest.approx(matcher(**batch).loss.item(), abs=1e-4)


def test_the_table_of_all_agrees_with_the_trained_senses(world):
    encoder, _, _, _, vectors = world
    matcher = SenseMatcher(encoder, vectors)
    with torch.no_grad():
        matcher.map.normal_(std=0.1)
        matcher.offsets.normal_(std=0.1)
    entities = np.array([3, *range(5, 4 + len(vectors))])
    everything = np.random.default_rng(1).normal(size=(30, vectors.shape[1])).astype(np.float32)
    everything[entities] = vectors
    table = matcher.table(everything, entities)
    expected = matcher.senses(torch.arange(len(vectors))).detach().numpy()
    np.testing.assert_allclose(table[entities], expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(table, axis=1), 1, atol=1e-5)


def test_frozen_layers_stay_and_too_many_are_refused(world):
    encoder, _, _, _, vectors = world
    matcher = SenseMatcher(encoder, vectors, frozen_layers=1)
    names = {name for name, parameter in matcher.named_parameters() if parameter.requires_grad}
    assert not any(name.startswith(("encoder.embeddings", "encoder.encoder.layer.0")) for name in names)
    assert any(name.startswith("encoder.encoder.layer.1") for name in names)
    with pytest.raises(ConfigError, match="frozen_layers is 9, but the encoder has 2 layers"):
        SenseMatcher(encoder, vectors, frozen_layers=9)
    with pytest.raises(ConfigError, match="have 3 dimensions"):
        SenseMatcher(encoder, vectors[:, :3])
