"""The settings that make a run one of its experiment, and what they stand for.

Two runs of one experiment seldom have the same configuration to the letter: they read their files from other places,
they start from other seeds of one pretraining, and an older run knows nothing of an option that came later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kglm.inspection.report.runs import METRICS, Run, read_run
from kglm.kg.checksum import sha256_of

Settings = Mapping[str, Any]
"""Values by dotted name, as ``trainer.encoder_lr``."""

FREE = frozenset(
    {
        "seed", "run_dir", "paths", "workers", "trainer.resume", "trainer.progress", "trainer.log_every",
        "trainer.save_every", "trainer.num_threads", "trainer.num_workers",
    }
)  # fmt: skip
"""Settings in which the runs of one experiment may differ: they change how a run goes, not what it learns."""


def settings_of(config: Mapping[str, Any]) -> Settings:
    """Return the settings that runs of one experiment share, without those that are off.

    Off is what is null, false or empty; an option that a run does not know is off for it.
    """
    return dict(_flat(config))


def meaning_of(value: Any, within: tuple[Path, ...] = ()) -> str:
    """Return what the value of a setting stands for, so that equal meanings are equal settings.

    The folder of a finished run, or of its best model, stands for that run's settings; a file, or any other folder,
    for its content; anything else for itself.

    Args:
        value: of a setting.
        within: folders of the runs on the way to this value.

    Raises:
        DataError: a finished run's files are damaged.
    """
    if not isinstance(value, str) or not value:
        return repr(value)
    path = Path(value)
    if path.is_file():
        return sha256_of(path)
    if not path.is_dir():
        return repr(value)
    run = _run_of(path)
    if run is None:
        return json.dumps(
            {str(one.relative_to(path)): sha256_of(one) for one in sorted(path.rglob("*")) if one.is_file()}
        )
    if run.folder in within:
        return repr(value)
    inner, trail = settings_of(run.config), (*within, run.folder)
    return json.dumps({name: meaning_of(setting, trail) for name, setting in sorted(inner.items())})


def _run_of(folder: Path) -> Run | None:
    """Return the finished run that a folder is, or is the best model of."""
    for place in (folder.resolve(), folder.resolve().parent):
        if (place / METRICS).is_file() and (run := read_run(place)) is not None:
            return run
    return None


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = prefix + key
        if name in FREE:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif value is not None and value is not False and value not in ([], ""):
            yield name, value
