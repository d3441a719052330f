from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoModel,
    AutoModelForMultipleChoice,
    BertModel,
    DistilBertConfig,
    ElectraConfig,
    MPNetConfig,
    PreTrainedConfig,
    RobertaConfig,
    Trainer,
    TrainingArguments,
)

from kglm.encoders.pretrained import load_encoder
from kglm.errors import ConfigError
from kglm.models import KnowledgeQAConfig, KnowledgeQAForMultipleChoice
from kglm.models.modeling_knowledge_qa import choice_loss
from kglm.testing import (
    concatenate_graphs,
    random_graph,
    random_graph_batch,
    tiny_bert_config,
    tiny_kagnet,
    tiny_knowledge_qa,
    tiny_reasoner,
    tiny_tokenizer,
)

NUM_CHOICES = torch.tensor([2, 3])


def make_batch() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    batch = {}
    for prefix, rows, width in (("", 5, 12), ("question_", 2, 8), ("choice_", 5, 4)):
        mask = torch.ones(rows, width, dtype=torch.long)
        mask[0, width - 2 :] = mask[-1, width - 1 :] = 0
        batch[f"{prefix}attention_mask"] = mask
        batch[f"{prefix}input_ids"] = torch.randint(5, 500, mask.shape, generator=generator) * mask
    return {**batch, "num_choices": NUM_CHOICES, "labels": torch.tensor([1, 2])}


BATCH = make_batch()
GRAPH = random_graph_batch()


def assert_same_weights(found: nn.Module, expected: nn.Module) -> None:
    assert found.state_dict().keys() == expected.state_dict().keys()
    for name, value in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name


def train_a_little(model: KnowledgeQAForMultipleChoice) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        model(**BATCH, graph=GRAPH).loss.backward()
        optimizer.step()


def naive_means(model: KnowledgeQAForMultipleChoice, prefix: str = "") -> list[Tensor]:
    ids, mask = BATCH[f"{prefix}input_ids"], BATCH[f"{prefix}attention_mask"]
    tokens = model.encoder(ids, attention_mask=mask).last_hidden_state
    return [row[real == 1].mean(0) for row, real in zip(tokens, mask, strict=True)]


def naive_cosine(model: KnowledgeQAForMultipleChoice) -> Tensor:
    questions, choices = naive_means(model, "question_"), naive_means(model, "choice_")
    cosines = [
        functional.cosine_similarity(questions[q], c, dim=0) for q, c in zip([0, 0, 1, 1, 1], choices, strict=True)
    ]
    return model.config.cosine_scale * torch.stack(cosines)


@pytest.mark.parametrize("reasoner", [None, tiny_kagnet()], ids=["off", "kagnet"])
def test_untrained_it_is_the_cosine_of_the_encoder(reasoner) -> None:
    model = tiny_knowledge_qa(reasoner=reasoner, cosine_scale=7.0)
    torch.testing.assert_close(model(**BATCH, graph=GRAPH).logits, naive_cosine(model))


def test_with_facts_the_choice_is_compared_once_more() -> None:
    model = tiny_knowledge_qa(reads_facts=True, reasoner=None, cosine_scale=7.0)
    informed = {f"informed_{name}": BATCH[name] for name in ("input_ids", "attention_mask")}
    questions, choices = naive_means(model, "question_"), naive_means(model)
    cosines = [
        functional.cosine_similarity(questions[q], c, dim=0) for q, c in zip([0, 0, 1, 1, 1], choices, strict=True)
    ]
    with torch.no_grad():
        model.fact_scale.fill_(3.0)
    torch.testing.assert_close(model(**BATCH, **informed).logits, naive_cosine(model) + 3.0 * torch.stack(cosines))
    with pytest.raises(ValueError, match="choices with their facts"):
        model(**BATCH)


def test_a_choice_without_facts_is_read_once() -> None:
    model = tiny_knowledge_qa(reads_facts=True, reasoner=None, cosine_scale=7.0)
    told = torch.tensor([1, 3])
    some = {f"informed_{name}": BATCH[name][told] for name in ("input_ids", "attention_mask")}
    choices = naive_means(model, "choice_")
    for row in told.tolist():
        choices[row] = naive_means(model)[row]
    questions = naive_means(model, "question_")
    cosines = [
        functional.cosine_similarity(questions[q], c, dim=0) for q, c in zip([0, 0, 1, 1, 1], choices, strict=True)
    ]
    logits = model(**BATCH, **some, informed_rows=told).logits
    torch.testing.assert_close(logits, naive_cosine(model) + 7.0 * torch.stack(cosines))


def test_a_model_that_reads_no_facts_ignores_them() -> None:
    model = tiny_knowledge_qa(reasoner=None)
    informed = {f"informed_{name}": BATCH[name] for name in ("input_ids", "attention_mask")}
    assert torch.equal(model(**BATCH, **informed).logits, model(**BATCH).logits)


def test_route_off_is_the_plain_encoder() -> None:
    plain = tiny_knowledge_qa(reasoner=None)
    assert plain.reasoner is None
    assert {name.split(".")[0] for name, _ in plain.named_parameters()} == {"encoder", "score_head", "scale"}
    nn.init.normal_(plain.score_head.weight)
    output = plain(**BATCH)
    assert output.path_attention is None
    assert output.pair_attention is None
    means = torch.stack(naive_means(plain))
    torch.testing.assert_close(output.logits, naive_cosine(plain) + plain.score_head(means))

    # The same weights with the route on, and a head that does not look at the graph, give the same scores.
    model = tiny_knowledge_qa()
    model.encoder.load_state_dict(plain.encoder.state_dict())
    with torch.no_grad():
        model.score_head.weight[:, model.reasoner.output_dim :] = plain.score_head.weight
    torch.testing.assert_close(model(**BATCH, graph=GRAPH).logits, output.logits)


def test_head_reads_graph_vector_and_statement() -> None:
    model = tiny_knowledge_qa()
    nn.init.normal_(model.score_head.weight)
    output = model(**BATCH, graph=GRAPH)
    means = torch.stack(naive_means(model))
    reasoned = model.reasoner(GRAPH, means)
    expected = naive_cosine(model) + model.score_head(torch.cat((reasoned.graph_vector, means), dim=1))
    torch.testing.assert_close(output.logits, expected)
    assert output.path_attention.shape == (GRAPH.num_paths,)
    assert output.pair_attention.shape == (GRAPH.num_pairs,)


def test_ragged_loss_against_torch_per_question() -> None:
    logits = torch.randn(9, dtype=torch.float64, requires_grad=True)
    counts, labels = torch.tensor([2, 4, 3]), torch.tensor([1, 0, 2])
    loss = choice_loss(logits, counts, labels)
    parts = zip(logits.split(counts.tolist()), labels, strict=True)
    expected = torch.stack([functional.cross_entropy(part, label) for part, label in parts]).mean()
    torch.testing.assert_close(loss, expected)
    assert torch.autograd.gradcheck(lambda x: choice_loss(x, counts, labels), logits)


def test_questions_without_a_label_do_not_count_in_the_loss() -> None:
    logits, counts = torch.randn(5), torch.tensor([2, 3])
    assert choice_loss(logits, counts, torch.tensor([1, -1])) == choice_loss(
        logits[:2], counts[:1], torch.tensor([1])
    )
    model = tiny_knowledge_qa()
    assert model(**{**BATCH, "labels": torch.tensor([-1, -1])}, graph=GRAPH).loss is None


def test_questions_do_not_disturb_each_other() -> None:
    model = tiny_knowledge_qa()
    train_a_little(model)
    graphs = [random_graph(seed=i) for i in range(5)]
    together = model(**BATCH, graph=concatenate_graphs(graphs)).logits
    rows = {name: 1 if name.startswith("question_") else 2 for name in BATCH}
    first = {name: value[: rows[name]] for name, value in BATCH.items()}
    first |= {"num_choices": torch.tensor([2]), "labels": None}
    torch.testing.assert_close(model(**first, graph=concatenate_graphs(graphs[:2])).logits, together[:2])


def test_outputs_without_labels_and_as_tuple() -> None:
    model = tiny_knowledge_qa()
    inputs = {name: value for name, value in BATCH.items() if name != "labels"}
    assert model(**inputs, graph=GRAPH).loss is None
    logits, paths, pairs = model(**inputs, graph=GRAPH, return_dict=False)
    assert (logits.numel(), paths.numel(), pairs.numel()) == (5, GRAPH.num_paths, GRAPH.num_pairs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"graph": None}, "KagNet needs a GraphBatch"),
        ({"graph": random_graph()}, "graph holds 1 graphs, but there are 5 choices"),
        ({"num_choices": torch.tensor([2, 2])}, "num_choices sum to 4, but input_ids hold 5"),
        ({"labels": torch.tensor([2, 0])}, "labels [2, 0] are not all less than num_choices"),
    ],
)
def test_bad_inputs_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        tiny_knowledge_qa()(**{**BATCH, "graph": GRAPH, **change})
    assert message in str(caught.value)


def test_gradients_reach_everything() -> None:
    model = tiny_knowledge_qa()
    nn.init.normal_(model.score_head.weight)
    model(**BATCH, graph=GRAPH).loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
    for name in ("encoder.embeddings.word_embeddings.weight", "reasoner.path_encoder.node_gates.weight", "scale"):
        assert model.get_parameter(name).grad.any(), name


def test_word_embeddings_freeze(tmp_path) -> None:
    model = tiny_knowledge_qa(freeze_word_embeddings=True)
    model.save_pretrained(tmp_path)
    for frozen in (model, KnowledgeQAForMultipleChoice.from_pretrained(tmp_path)):
        assert not frozen.encoder.embeddings.word_embeddings.weight.requires_grad
        assert sum(p.requires_grad for p in frozen.parameters()) == len(list(frozen.parameters())) - 1


def test_save_and_load_is_exact(tmp_path) -> None:
    model = tiny_knowledge_qa()
    train_a_little(model)
    model.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}
    for auto in (KnowledgeQAForMultipleChoice, AutoModel, AutoModelForMultipleChoice):
        loaded = auto.from_pretrained(tmp_path)
        assert isinstance(loaded, KnowledgeQAForMultipleChoice)
        assert not loaded.training
        assert_same_weights(loaded, model)
        assert torch.equal(loaded(**BATCH, graph=GRAPH).logits, model.eval()(**BATCH, graph=GRAPH).logits)


def test_what_a_checkpoint_lacks_is_initialised_as_at_construction(tmp_path) -> None:
    """from_pretrained builds on the meta device: the zero head and the bare scale must not come back as noise."""
    tiny_knowledge_qa(reasoner=None).encoder.save_pretrained(tmp_path)
    config = KnowledgeQAConfig(encoder_config=tiny_bert_config(), reasoner=tiny_kagnet(), cosine_scale=4.0)
    model = KnowledgeQAForMultipleChoice.from_pretrained(tmp_path, config=config)
    assert not model.score_head.weight.any()
    assert not model.score_head.bias.any()
    assert model.scale.item() == 4.0
    for name, parameter in model.reasoner.named_parameters():
        assert parameter.isfinite().all(), name
        assert parameter.any(), name
        assert parameter.abs().max() < 5, name
    torch.testing.assert_close(model(**BATCH, graph=GRAPH).logits, naive_cosine(model))


def test_construction_uses_the_layers_own_initialisation() -> None:
    """transformers' default, normal with 0.02, would leave the small layers of the reasoner nearly silent."""
    weight = tiny_knowledge_qa(reasoner=tiny_kagnet(path_dim=64)).reasoner.path_encoder.hidden_gates.weight
    assert weight.abs().max() <= 1 / 8
    assert weight.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.05)


def test_from_encoder_takes_the_weights_and_leaves_the_pooler(tmp_path) -> None:
    pretrained = BertModel(tiny_bert_config()).half()
    pretrained.save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    encoder, _ = load_encoder(str(tmp_path), {"attention_probs_dropout_prob": 0.25})
    model = KnowledgeQAForMultipleChoice.from_encoder(
        encoder, reasoner=tiny_kagnet(), freeze_word_embeddings=True, cosine_scale=3.0
    )
    expected = {name: p.float() for name, p in pretrained.state_dict().items() if not name.startswith("pooler")}
    assert model.encoder.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in model.encoder.state_dict().items())
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert model.encoder.config.attention_probs_dropout_prob == 0.25
    assert model.config.encoder_config is model.encoder.config
    assert not model.get_input_embeddings().weight.requires_grad
    torch.testing.assert_close(model.eval()(**BATCH, graph=GRAPH).logits, naive_cosine(model))

    model.save_pretrained(tmp_path / "model")
    assert_same_weights(KnowledgeQAForMultipleChoice.from_pretrained(tmp_path / "model"), model)
    with pytest.raises(ConfigError, match="did you mean 'cosine_scale'"):
        KnowledgeQAForMultipleChoice.from_encoder(encoder, cosine_scal=3)


SMALL = {"vocab_size": 512, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
ENCODERS = [
    RobertaConfig(hidden_size=32, max_position_embeddings=64, pad_token_id=0, **SMALL),
    ElectraConfig(hidden_size=32, embedding_size=16, **SMALL),
    DistilBertConfig(vocab_size=512, dim=32, hidden_dim=64, n_layers=1, n_heads=2),
    MPNetConfig(hidden_size=32, pad_token_id=0, **SMALL),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda config: config.model_type)
def test_other_encoders(encoder: PreTrainedConfig, tmp_path) -> None:
    model = tiny_knowledge_qa(encoder_config=encoder)
    output = model(**BATCH, graph=GRAPH)
    torch.testing.assert_close(output.logits, naive_cosine(model))
    output.loss.backward()
    model.save_pretrained(tmp_path)
    assert_same_weights(AutoModelForMultipleChoice.from_pretrained(tmp_path), model)
    model.encoder.save_pretrained(tmp_path / "encoder")
    tiny_tokenizer().save_pretrained(tmp_path / "encoder")
    loaded, _ = load_encoder(str(tmp_path / "encoder"))
    assert_same_weights(KnowledgeQAForMultipleChoice.from_encoder(loaded).encoder, model.encoder)


def test_scores_stay_in_float32_under_autocast() -> None:
    model = tiny_knowledge_qa()
    train_a_little(model)
    expected = model(**BATCH, graph=GRAPH)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(**BATCH, graph=GRAPH)
    assert output.logits.dtype == output.path_attention.dtype == output.loss.dtype == torch.float32
    torch.testing.assert_close(output.logits, expected.logits, atol=0.3, rtol=0.05)
    half = model.bfloat16()(**BATCH, graph=GRAPH)
    assert half.logits.dtype == torch.float32
    assert half.logits.isfinite().all()


def test_tokenizer_fits_the_tiny_encoder() -> None:
    tokenizer = tiny_tokenizer(["river", "bank"])
    encoded = tokenizer(["River bank?", "A boat"], ["bank", "sea"], padding=True, return_tensors="pt")
    assert tokenizer.convert_ids_to_tokens(encoded["input_ids"][0])[:4] == ["[CLS]", "river", "bank", "?"]
    assert len(tokenizer) <= tiny_bert_config().vocab_size
    hidden = tiny_knowledge_qa(reasoner=None).encoder(**encoded).last_hidden_state
    assert hidden.shape == (*encoded["input_ids"].shape, 32)


class Questions(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        return index


def test_transformers_trainer_trains_and_evaluates(tmp_path) -> None:
    model = tiny_knowledge_qa()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        per_device_train_batch_size=2,
        per_device_eval_batch_size=2,
        max_steps=2,
        learning_rate=1e-2,
        remove_unused_columns=False,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=Questions(),
        eval_dataset=Questions(),
        data_collator=lambda _: {**BATCH, "graph": GRAPH},
    )
    assert trainer._prepare_input(GRAPH) is GRAPH  # Trainer passes it on; Accelerate's loader moves it with .to()
    trainer.train()
    assert all(not torch.equal(model.state_dict()[name], before[name]) for name in ("scale", "score_head.weight"))
    assert trainer.evaluate()["eval_loss"] > 0
    prediction = trainer.predict(Questions())
    assert prediction.predictions.shape == (10,)


def test_accelerate_moves_the_graph() -> None:
    from accelerate.utils import send_to_device

    moved = send_to_device({"graph": GRAPH}, torch.device("meta"))["graph"]
    assert type(moved) is type(GRAPH)
    assert moved.device.type == "meta"


def test_config_json_holds_no_surprises(tmp_path) -> None:
    tiny_knowledge_qa(graph_fingerprint="ab12").save_pretrained(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["graph_fingerprint"] == "ab12"
    assert written["architectures"] == ["KnowledgeQAForMultipleChoice"]
    assert written["encoder_config"]["model_type"] == "bert"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reasoner": tiny_reasoner("greaselm")}, "GreaseLM speaks with the encoder's layers"),
        ({"freeze_encoder": True}, "nothing to compile: the encoder is frozen"),
    ],
)
def test_a_model_with_nothing_to_compile_says_so(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=f"{reason}.*set trainer.compile=false"):
        tiny_knowledge_qa(**fields).compile(dynamic=True)
