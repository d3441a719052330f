import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from kglm.data.collator import MultipleChoiceDataset
from kglm.data.facts import FactOptions
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.errors import ConfigError, DataError
from kglm.inference.faithfulness import Deletion, Faithfulness, deletion_rows, measure_faithfulness
from kglm.kg.schema_deletion import one_graph, without_node, without_path
from kglm.kg.schema_graph import SchemaGraphs
from kglm.training import model_inputs

WEIGHS = {
    "kagnet": {"paths"},
    "relation_network": {"paths"},
    "mhgrn": {"paths", "nodes"},
    "qagnn": {"nodes"},
    "greaselm": {"nodes"},
}


def loud(bundle):
    """Let the reasoner count for something."""
    torch.manual_seed(0)
    for parameter in bundle.model.reasoner.parameters():
        nn.init.normal_(parameter, std=0.3)
    return bundle


@pytest.fixture(scope="module")
def joined():
    """Questions whose every choice has some paths."""
    texts = [
        ("I dug in the garden to plant flowers. What did I dig with?", ["trowel", "excavator"]),
        ("To build a house, what do you dig with?", ["digger", "trowel", "plant flowers"]),
        ("Which tool lies in the garden shed?", ["spade", "trowel"]),
        ("Quux?", ["zzyzx", "saw"]),
    ]
    rows = enumerate(MultipleChoiceExample.from_texts(*text) for text in texts)
    return [replace(example, id=f"q{index}") for index, example in rows]


@pytest.fixture(params=WEIGHS)
def reasoning(request, make_bundle):
    return loud(make_bundle(reasoner=request.param))


@torch.inference_mode()
def naive(bundle, example, kind, deleted):
    """The chosen answer's fall for each deletion: the whole question read again with one graph exchanged."""
    prepared = bundle.pipeline.prepare([example])

    def read(graphs):
        prepared.collator.graphs = graphs
        batch = prepared.collator([prepared.dataset[0]])
        return bundle.model(**model_inputs(batch, torch.device("cpu"))).logits.double().numpy()

    graphs = prepared.graphs
    whole = read(graphs)
    chosen = int(whole.argmax())
    delete = {"paths": without_path, "nodes": without_node}[kind]
    falls = []
    for piece in deleted:
        parts = [
            delete(graphs, index, piece) if index == chosen else one_graph(graphs, index)
            for index in range(len(graphs))
        ]
        falls.append(whole[chosen] - read(SchemaGraphs.concatenate(parts))[chosen])
    return falls


def pieces(bundle, example, kind):
    """Number of pieces of the chosen answer, and the place of the one with the highest weight."""
    prepared = bundle.pipeline.prepare([example])
    batch = prepared.collator([prepared.dataset[0]])
    with torch.inference_mode():
        output = bundle.model(**batch_inputs(batch))
    graph, chosen = batch["graph"], int(output.logits.argmax())
    if kind == "nodes":
        weights = output.node_attention[graph.node_graph == chosen]
    else:
        weights = output.path_attention
        if output.pair_attention is not None:
            weights = weights * output.pair_attention[graph.path_pair]
        weights = weights[graph.pair_graph[graph.path_pair] == chosen]
    return len(weights), int(weights.argmax()) if len(weights) else None


def batch_inputs(batch):
    return model_inputs(batch, torch.device("cpu"))


def test_it_deletes_the_top_piece_and_all_others_where_there_are_few(reasoning, joined):
    results = measure_faithfulness(reasoning, joined, draws=8, batch_size=3)
    assert {result.kind for result in results} == WEIGHS[reasoning.model.config.reasoner["name"]]
    by_id = {example.id: example for example in joined}
    for result in results:
        assert len(result.deletions) + result.skipped == len(joined)
        assert result.deletions
        for example in joined:
            count, _ = pieces(reasoning, example, result.kind)
            assert (count >= 2) == any(deletion.id == example.id for deletion in result.deletions)
        for deletion in result.deletions:
            example = by_id[deletion.id]
            count, top = pieces(reasoning, example, result.kind)
            assert deletion.count == count
            others = [piece for piece in range(count) if piece != top]
            falls = naive(reasoning, example, result.kind, [top, *others])
            assert deletion.top == pytest.approx(falls[0], abs=2e-4)
            assert len(deletion.random) == min(8, count - 1)
            if count <= 9:
                assert sorted(deletion.random) == pytest.approx(sorted(falls[1:]), abs=2e-4)
            else:
                assert all(min(abs(fall - other) for other in falls[1:]) < 2e-4 for fall in deletion.random)


def test_it_deletes_facts_one_by_one(make_bundle, joined):
    made = make_bundle(reasons=False, facts=FactOptions(max_hops=2, max_facts=3, max_tokens=64))
    bundle = replace(made, pipeline=replace(made.pipeline, max_length=200))
    (result,) = measure_faithfulness(bundle, joined, batch_size=2)
    assert result.kind == "facts"
    assert result.deletions
    prepared = bundle.pipeline.prepare(joined)
    found = {row.example.id: row for row in prepared.dataset}
    for deletion in result.deletions:
        row = found[deletion.id]
        chosen = row.example.choice_labels.index(deletion.choice)
        assert deletion.count == len(row.facts[chosen]) >= 2

        def score(behind, row=row, chosen=chosen):
            facts = [behind if place == chosen else kept for place, kept in enumerate(row.facts)]
            dataset = MultipleChoiceDataset([row.example], bundle.pipeline.tokenizer, 200, facts)
            with torch.inference_mode():
                return float(bundle.model(**batch_inputs(prepared.collator([dataset[0]]))).logits[chosen])

        whole = score(row.facts[chosen])
        falls = [whole - score(row.facts[chosen][:at] + row.facts[chosen][at + 1 :]) for at in range(deletion.count)]
        assert deletion.top == pytest.approx(falls[0], abs=2e-4)
        assert sorted(deletion.random) == pytest.approx(sorted(falls[1:]), abs=2e-4)
        assert deletion.weight is None


def test_neither_batches_nor_a_cache_matter_and_the_seed_decides_the_draws(make_bundle, joined, tmp_path):
    bundle = loud(make_bundle(reasoner="qagnn"))
    (one,) = measure_faithfulness(bundle, joined, draws=2, batch_size=1)
    (many,) = measure_faithfulness(bundle, joined, draws=2, batch_size=100, cache_dir=tmp_path)
    for mine, theirs in zip(one.deletions, many.deletions, strict=True):
        assert (mine.id, mine.choice, mine.count) == (theirs.id, theirs.choice, theirs.count)
        assert [mine.top, *mine.random] == pytest.approx([theirs.top, *theirs.random], abs=2e-4)
    (other,) = measure_faithfulness(bundle, joined, draws=2, batch_size=100, seed=1)
    assert [deletion.random for deletion in other.deletions] != [deletion.random for deletion in many.deletions]


def result_of(*differences):
    rows = [Deletion(str(i), "A", 3, 0.5, 1.0, d + 0.25, (0.0, 0.5)) for i, d in enumerate(differences)]
    return Faithfulness("paths", tuple(rows), skipped=2)


def test_the_figures_are_counted_as_said():
    found = result_of(1.0, 0.5, 0.25, 2.0, -0.5, 1e-9).metrics
    assert (found["questions"], found["skipped"]) == (6, 2)
    assert (found["more"], found["less"]) == (pytest.approx(4 / 6), pytest.approx(1 / 6))
    assert found["mean_top"] == pytest.approx(3.25 / 6 + 0.25)
    assert found["mean_random"] == pytest.approx(0.25)
    # the sign test of 4 in 5, by hand
    assert found["p_value"] == pytest.approx(2 * (math.comb(5, 4) + math.comb(5, 5)) / 2**5)
    assert (
        "more without the top path in 66.7 % of 6 questions, less in 16.7 %"
        in result_of(1.0, 0.5, 0.25, 2.0, -0.5, 1e-9).describe()
    )


def test_without_evidence_there_are_counts_only(bundle, examples):
    stranger = replace(examples[0], question="Quux?", choices=("zzyzx", "blorb"))
    (result,) = measure_faithfulness(bundle, [stranger])
    assert result.metrics == {"questions": 0, "skipped": 1}
    assert result.describe() == "paths: no chosen answer has two of them (1 questions)"


def test_rows_are_plain_values():
    (row,) = deletion_rows([result_of(1.0)])
    assert row == {
        "kind": "paths", "id": "0", "choice": "A", "count": 3, "weight": 0.5, "score": 1.0, "top": 1.25,
        "random": [0.0, 0.5],
    }  # fmt: skip


def test_a_model_without_evidence_and_bad_options_are_refused(bundle, text_bundle, examples):
    with pytest.raises(ConfigError, match="answers from the text alone: it has no evidence to delete"):
        measure_faithfulness(text_bundle, examples)
    for draws in (0, 9):
        with pytest.raises(ConfigError, match=f"draws is {draws}; allowed: 1 to 8"):
            measure_faithfulness(bundle, examples, draws=draws)
    with pytest.raises(DataError, match="no question"):
        measure_faithfulness(bundle, [])
    assert np.isfinite([deletion.top for deletion in measure_faithfulness(bundle, examples)[0].deletions]).all()
