"""What is searched, in Hydra's own words: ``key=interval(0, 1)``, ``key=choice(a, b)``, ``key=range(1, 9)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.errors import HydraException
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from kglm.errors import ConfigError

ALLOWED = "interval(low, high), tag(log, interval(low, high)), range(low, high, step) or choice(a, b, ...)"


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the arguments that set values, and by key those that name several, in Hydra's words.

    Raises:
        ConfigError: a key is given more than once.
    """
    plain: list[str] = []
    searched: dict[str, str] = {}
    for argument in arguments:
        override = None if argument.startswith("-") or "=" not in argument else _parse_or_none(argument)
        if override is None or not override.is_sweep_override():
            plain.append(argument)
            continue
        key, _, values = argument.partition("=")
        if key in searched:
            raise ConfigError(f"'{key}' is given twice: '{searched[key]}' and '{argument}'")
        searched[key] = values
    return plain, searched


def parse_space(params: Mapping[str, Any]) -> dict[str, BaseDistribution]:
    """Return the distribution of each key.

    Raises:
        ConfigError: there is none, or a value is none that can be searched.
    """
    if not params:
        raise ConfigError(
            "there is nothing to search; choose a group with sweep=learning_rates, or name values on the command "
            f"line, as 'trainer.encoder_lr=tag(log, interval(1e-5, 1e-4))' or reasoner=kagnet,gcn; allowed: {ALLOWED}"
        )
    return {key: _distribution(key, value) for key, value in params.items()}


def overrides_of(values: Mapping[str, Any]) -> list[str]:
    """Return values that were drawn as overrides of a run."""
    return [f"{key}={value!r}" if isinstance(value, float) else f"{key}={value}" for key, value in values.items()]


def first_of(space: Mapping[str, BaseDistribution]) -> list[str]:
    """Return overrides that take the first of each key's values."""
    return overrides_of({key: _first(one) for key, one in space.items()})


def _first(distribution: Any) -> Any:
    return distribution.choices[0] if isinstance(distribution, CategoricalDistribution) else distribution.low


def _distribution(key: str, value: Any) -> BaseDistribution:
    line = f"{key}={value}"
    override = _parse_or_none(line) if isinstance(value, str) else None
    if override is None or not override.is_sweep_override():
        raise ConfigError(f"'{line}' cannot be searched; allowed: {ALLOWED}")
    sweep = override.value()
    try:
        if isinstance(sweep, ChoiceSweep):
            # As they are written, so that a choice may be a list, or an option of a group.
            return CategoricalDistribution(list(override.sweep_string_iterator()))
        if isinstance(sweep, RangeSweep):
            return _stepwise([*sweep.range()], "log" in sweep.tags)
        if isinstance(sweep, IntervalSweep):
            return _number(sweep.start, sweep.end, "log" in sweep.tags)
    except (ValueError, IndexError) as error:
        raise ConfigError(f"'{line}' cannot be searched: {error}") from error
    raise ConfigError(f"'{line}' cannot be searched; allowed: {ALLOWED}")


def _stepwise(values: list[Any], log: bool) -> BaseDistribution:
    values = sorted(values)
    step = values[1] - values[0] if len(values) > 1 else 1
    return _number(values[0], values[-1], log, None if log and step == 1 else step)


def _number(low: Any, high: Any, log: bool, step: Any = None) -> BaseDistribution:
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log, step=step or 1)
    return FloatDistribution(float(low), float(high), log=log, step=step)


def _parse_or_none(argument: str) -> Override | None:
    try:
        return OverridesParser.create().parse_override(argument)
    except HydraException:
        return None  # Hydra, which is given it next, says what is wrong
