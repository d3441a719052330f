import pytest
import torch

from kglm.errors import ConfigError
from kglm.training import autocast, precision, resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [({"avx2"}, "fp32"), ({"avx512_bf16"}, "bf16"), ({"amx_bf16"}, "bf16"), ({"bf16"}, "bf16"), (set(), "fp32")],
)
def test_auto_is_bf16_where_the_cpu_has_it(monkeypatch, flags, expected):
    monkeypatch.setattr(precision, "_cpu_flags", lambda: frozenset(flags))
    assert resolve_precision("auto", CPU) == expected


def test_a_wish_is_granted_and_emulation_warned_of(monkeypatch, caplog):
    monkeypatch.setattr(precision, "_cpu_flags", lambda: frozenset())
    assert resolve_precision("fp32", CPU) == "fp32"
    assert not caplog.records
    assert resolve_precision("bf16", CPU) == "bf16"
    assert "only emulates it" in caplog.text


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="precision is 'fp8'; allowed: auto, fp32, bf16"):
        resolve_precision("fp8", CPU)
    with pytest.raises(ConfigError, match="meta cannot compute in"):
        resolve_precision("bf16", torch.device("meta"))


def test_autocast_computes_in_it():
    x = torch.ones(2, 2)
    with autocast("bf16", CPU):
        assert (x @ x).dtype == torch.bfloat16
    with autocast("fp32", CPU):
        assert (x @ x).dtype == torch.float32
