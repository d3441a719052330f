import json

import numpy as np
import pytest
import torch
from transformers import BertModel

from kglm.embeddings import EntityTable
from kglm.encoders import TextEncoder
from kglm.errors import ConfigError, DataError, FingerprintMismatchError
from kglm.linking import EntityLinker, EntityLinkerOptions, LinkerWeights, LogLinearScorer
from kglm.testing import tiny_bert_config, tiny_tokenizer

WEIGHTS = LinkerWeights(
    LogLinearScorer({"log_prior": 1.0, "context": 3.0, "coherence_links": 2.0}, 0.5),
    LogLinearScorer({"log_prior": 1.0}, None),
)


@pytest.fixture
def linker(names_graph):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(tiny_bert_config(), add_pooling_layer=False)
    encoder = TextEncoder(model, tiny_tokenizer("steve apple".split()), name="tiny", max_length=32)
    table = EntityTable(np.eye(8, dtype=np.float32), names_graph.fingerprint, {"kind": "own"})
    made = EntityLinker(
        names_graph, encoder=encoder, weights=WEIGHTS, table=table, options=EntityLinkerOptions(keep=2, beside=2)
    )
    made.add_entity("woz", "Steve Wozniak", aliases=["Woz"], description="engineer", neighbors=[1])
    made.add_alias(0, "Apfel", 4)
    return made


def test_a_loaded_linker_links_alike(linker, names_graph, tmp_path):
    texts = ["Steve of Apple, Woz and Apfel at Stanford."]
    linker.save(tmp_path / "linker")
    loaded = EntityLinker.load(tmp_path / "linker", names_graph)
    assert loaded(texts) == linker(texts)
    assert loaded.options.cache_key() == linker.options.cache_key()
    assert repr(loaded) == repr(linker)
    np.testing.assert_array_equal(loaded.table.textual, linker.table.textual)


def test_another_graph_is_refused(linker, concepts_graph, tmp_path):
    linker.save(tmp_path / "linker")
    with pytest.raises(FingerprintMismatchError, match="the linker"):
        EntityLinker.load(tmp_path / "linker", concepts_graph)


def test_damage_is_told(linker, names_graph, tmp_path):
    folder = tmp_path / "linker"
    with pytest.raises(DataError, match="holds no linker"):
        EntityLinker.load(folder, names_graph)
    linker.save(folder)
    manifest = json.loads((folder / "linker.json").read_text())

    def refused(told, **changes):
        (folder / "linker.json").write_text(json.dumps({**manifest, **changes}))
        with pytest.raises(DataError, match=told):
            EntityLinker.load(folder, names_graph)

    refused("version 9", version=9)
    refused("expected 'scorer'", weights={})
    refused("cannot be read", options={"kind": "nouns"})
    refused("cannot be read", options={"nonsense": 1})
    refused("not the one that the linker was saved with", encoder={**manifest["encoder"], "digest": "0" * 64})
    (folder / "linker.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        EntityLinker.load(folder, names_graph)


def test_an_index_is_not_saved(linker, tmp_path):
    linker.index = object()
    with pytest.raises(ConfigError, match="index"):
        linker.save(tmp_path / "linker")
