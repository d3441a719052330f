from __future__ import annotations

import numpy as np
import torch
from thu_release import write_release
from transformers import AutoModelForPreTraining, AutoTokenizer

from kglm.models.thu_ernie import load_thu_ernie


def test_release_becomes_a_model(kglm, tmp_path) -> None:
    release = write_release(tmp_path / "ernie")
    (release / "entity2id.txt").write_text("2\nQ5\t0\nQ6\t1\n")
    (release / "entity2vec.vec").write_text("1\t2\n3\t4\n")
    out = tmp_path / "out"
    outcome = kglm("convert", "thu-ernie", str(release), str(out), "--kg-embed", str(release))
    assert outcome.code == 0, outcome.err
    assert "FusionEncoderForPreTraining with entities of dimension 12" in outcome.out
    assert "vectors of 2 entities" in outcome.out
    model = AutoModelForPreTraining.from_pretrained(out)
    for name, value in load_thu_ernie(release).state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    assert AutoTokenizer.from_pretrained(out)("A b")["input_ids"] == [2, 5, 6, 3]
    assert np.load(out / "entities" / "vectors.npy").shape == (2, 2)
    assert not list(out.glob("*.bin"))

    again = kglm("convert", "thu-ernie", str(release), str(out))
    assert again.code == 1
    assert "is not empty; name a new one" in again.err


def test_nothing_is_left_of_a_failure(kglm, tmp_path) -> None:
    release = write_release(tmp_path / "ernie")
    outcome = kglm("convert", "thu-ernie", str(release), str(tmp_path / "out"), "--kg-embed", str(tmp_path))
    assert outcome.code == 1
    assert "table of entities" in outcome.err
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == []
