import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings
from transformers import BertModel

from kglm.kg import GraphRecipe, build_graph
from kglm.testing import tiny_bert_config, tiny_tokenizer

ROOT = Path(__file__).parents[1]

COMMON_WORDS = """
a an the in of to for on with and or is are was did do does you i he she it they what which where who why when how
dig hole plant flowers garden shed house ground shovel spade trowel excavator pickaxe cut bread wood knife saw kitchen
eat soup spoon table sweep floor broom sew clothes needle hammer nails write letters pen desk paint walls brush boil
water kettle ladder roof use used thing tool look want find put would people person something somebody
"""

# Shared machines stall: no deadline, and no complaint about slow generation.
settings.register_profile("kglm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kglm")


@pytest.fixture(autouse=True)
def same_number_of_threads():
    """A run may set torch's threads; the next test computes with as many as a fresh process would."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def data_dir():
    """The external data sets; tests that use them bear the mark ``data``."""
    named = os.environ.get("KGLM_DATA_DIR")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the external data sets are not at '{folder}' (set KGLM_DATA_DIR)")
    return folder


@pytest.fixture(scope="session")
def conceptnet(data_dir, tmp_path_factory):
    """The merged English ConceptNet under the reviewed relation map."""
    recipe = GraphRecipe(
        name="conceptnet",
        source=str(data_dir / "conceptnet" / "conceptnet_en.tsv.gz"),
        relation_map=str(ROOT / "graphs" / "conceptnet" / "relations.tsv"),
    )
    return recipe.compile(tmp_path_factory.mktemp("conceptnet") / "graph")


@pytest.fixture(scope="session")
def graph_of(tmp_path_factory):
    """A function that compiles records into a graph; usable under hypothesis, each graph in its own folder."""
    folder = tmp_path_factory.mktemp("graphs")
    made = 0

    def make(*records, name="test"):
        nonlocal made
        made += 1
        with pytest.MonkeyPatch.context() as patch:
            # Hundreds of graphs need not survive a power cut.
            patch.setattr(os, "fsync", lambda descriptor: None)
            return build_graph(records, folder / str(made), name=name)

    return make


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """The folder of an untrained two-layer BERT whose tokenizer knows common words whole and spells any other."""
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    tokenizer = tiny_tokenizer(COMMON_WORDS.split())
    tokenizer.model_max_length = 256
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = BertModel(tiny_bert_config(max_position_embeddings=256), add_pooling_layer=False)
    encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
