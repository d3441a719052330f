from dataclasses import replace

import pytest
import torch

from kglm.data.facts.corpora import open_corpora
from kglm.data.multiple_choice import MultipleChoiceExample
from kglm.data.pipeline import FusedEntities, Knowledge, QuestionPipeline, Reasoning
from kglm.embeddings.text_embeddings import label_table
from kglm.encoders import TextEncoder, load_encoder
from kglm.inference import Bundle
from kglm.kg.records import Label, Triple
from kglm.kg.schema_graph import SchemaOptions
from kglm.linking import LexicalLinker
from kglm.models import FusionEncoderModel, KnowledgeQAForMultipleChoice
from kglm.testing import tiny_reasoner

RECORDS = [
    Triple("dig", "HasPrerequisite", "hold_tool"),
    Triple("trowel", "UsedFor", "dig"),
    Triple("trowel", "UsedFor", "plant_flowers"),
    Triple("trowel", "AtLocation", "garden"),
    Triple("plant_flowers", "HasSubevent", "dig"),
    Triple("excavator", "UsedFor", "dig"),
    Triple("excavator", "CapableOf", "dig"),
    Triple("excavator", "AtLocation", "building_site"),
    Triple("build_house", "HasSubevent", "dig"),
    Triple("build_house", "AtLocation", "building_site"),
    Triple("garden", "PartOf", "house"),
    Triple("shed", "AtLocation", "garden"),
    Triple("spade", "AtLocation", "shed"),
    Triple("spade", "IsA", "tool"),
    Triple("trowel", "IsA", "tool"),
    Triple("knife", "IsA", "tool"),
    Triple("saw", "UsedFor", "cut_wood"),
    Label("excavator", "digger"),
]
QUESTION = "I dug in the garden to plant flowers. What did I dig with?"
CHOICES = ["trowel", "excavator", "knife", "the spade, of course", "pillow"]
MAX_LENGTH = 48


@pytest.fixture(scope="session")
def graph(graph_of):
    return graph_of(*RECORDS, name="digging")


@pytest.fixture(scope="session")
def make_bundle(graph, tiny_encoder, tmp_path_factory):
    """A function that makes an untrained bundle, with any routes of knowledge, whose parts all count.

    Of facts that are retrieved, the training questions are those of ``train``.
    """

    def make(
        *,
        reasons=True,
        graph=graph,
        reasoner="kagnet",
        facts=None,
        train=(),
        fuses=False,
        shuffle_seed=None,
        dim=None,
    ):
        encoder, tokenizer = load_encoder(str(tiny_encoder))
        knowledge, fields = None, {}
        if reasons:
            reader = TextEncoder(encoder, tokenizer, name="tiny", max_length=32)
            table = label_table(graph, reader, tmp_path_factory.mktemp("table"))  # its own: some tests damage it
            knowledge = Knowledge(
                graph, LexicalLinker(graph), Reasoning(SchemaOptions(max_hops=3, max_paths=20), table)
            )
            spec = tiny_reasoner(reasoner, entity_dim=table.dim, num_relations=graph.num_relations)
            fields = {"reasoner": spec, "graph_fingerprint": graph.fingerprint}
        elif facts is not None:
            corpora = open_corpora(facts, graph, train, tmp_path_factory.mktemp("corpora"))
            knowledge = Knowledge(graph, LexicalLinker(graph), facts=facts, corpora=corpora)
            fields = {"graph_fingerprint": graph.fingerprint}
        if fuses:
            reader = TextEncoder(encoder, tokenizer, name="tiny", max_length=32)
            table = label_table(graph, reader, tmp_path_factory.mktemp("table"))
            knowledge = replace(
                knowledge or Knowledge(graph, LexicalLinker(graph)), fused=FusedEntities(table, shuffle_seed)
            )
            fields["graph_fingerprint"] = graph.fingerprint
        with torch.random.fork_rng():
            torch.manual_seed(0)
            if fuses:
                encoder = FusionEncoderModel.from_backbone(
                    encoder, entity_dim=table.dim, fusion_dim=dim, zero_init=False
                )
            model = KnowledgeQAForMultipleChoice.from_encoder(encoder, **fields).eval()
            for parameter in model.score_head.parameters():  # zero before training
                torch.nn.init.normal_(parameter)
        return Bundle(model, QuestionPipeline(tokenizer, MAX_LENGTH, knowledge))

    return make


@pytest.fixture(scope="session")
def bundle(make_bundle):
    return make_bundle()


@pytest.fixture(scope="session")
def text_bundle(make_bundle):
    return make_bundle(reasons=False)


@pytest.fixture(scope="session")
def examples():
    """Questions of two to ten choices, some labelled, one about nothing that the graph knows."""
    words = ["trowel", "excavator", "knife", "spade", "saw", "shed", "house", "pillow", "garden", "a digger"]
    stems = [QUESTION, "Which tool lies in the shed?", "How are you?", "To build a house, what comes first?"]
    return [
        MultipleChoiceExample(
            f"q{count}",
            stems[count % len(stems)],
            tuple(words[-count:]),
            tuple("ABCDEFGHIJ"[:count]),
            label=None if count == 5 else count // 2,
        )
        for count in range(2, 11)
    ]
