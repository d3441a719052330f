"""Commands whose settings Hydra composes; its errors become ours."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from kglm.errors import ConfigError, KglmError, UnknownNameError, did_you_mean

logger = logging.getLogger(__name__)

CONFIG_PATH = "pkg://kglm.conf"

OmegaConf.register_new_resolver("absolute", lambda path: str(Path(path).expanduser().absolute()), replace=True)
OmegaConf.register_new_resolver("graphs_dir", lambda: str(files("kglm.graphs")), replace=True)


def run_hydra(command: str, task: Callable[[dict[str, Any], Path], Any], arguments: Sequence[str]) -> None:
    """Compose the configuration named like the command and run ``task`` on it, once or for each job of a sweep.

    Args:
        command: ``train``, ``evaluate`` or ``sweep``.
        task: takes the resolved configuration and the folder for its output.
        arguments: overrides and Hydra's own flags.

    Raises:
        KglmError: an override, a group's option or a value is wrong; proposes the nearest names.
    """

    failures: list[KglmError] = []
    composed, process = False, os.getpid()

    def job(config: DictConfig) -> Any:
        nonlocal composed
        composed = True
        context = HydraConfig.get()
        output_dir = Path(context.runtime.output_dir)
        try:
            return task(_resolve(config), output_dir)
        except KglmError as error:
            if context.mode == RunMode.MULTIRUN:
                logger.error("job %s failed: %s", context.job.num, error)
            if os.getpid() != process:  # the launcher's, which tells the sweep of it
                raise
            failures.append(error)  # raised below: Hydra would print more than the message, and end a sweep
            _remove_if_empty(output_dir)
            return None

    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise instead of printing and exiting
    arguments_before = sys.argv
    sys.argv = [f"kglm {command}", *arguments]
    try:
        hydra.main(version_base="1.3", config_path=CONFIG_PATH, config_name=command)(job)()
    except MissingConfigException as error:
        raise _unknown_option(error) from error
    except ConfigCompositionException as error:
        raise _unknown_key(command, error) from error
    except OverrideParseException as error:
        raise ConfigError(f"the override '{error.override}' cannot be read: {_first_lines(error)}") from error
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_first_lines(error)) from error
    except (TypeError, ValueError) as error:  # Hydra's, where a group is given a value of another type
        if composed:
            raise
        raise ConfigError(_first_lines(error)) from error
    finally:
        sys.argv = arguments_before
        GlobalHydra.instance().clear()
    if len(failures) > 1:
        raise ConfigError(f"{len(failures)} jobs of the sweep failed; the first one: {failures[0]}")
    if failures:
        raise failures[0]


def compose(command: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Return another resolved configuration, within a task of :func:`run_hydra`, which also tells of its errors."""
    return _resolve(hydra.compose(command, list(overrides)))


def _resolve(config: DictConfig) -> dict[str, Any]:
    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise ConfigError(f"{missing[0]} has no value; give it one with {missing[0]}=...")
    resolved = OmegaConf.to_container(config, resolve=True)
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


def _remove_if_empty(folder: Path) -> None:
    """Remove the folder that Hydra made for a job which came to nothing."""
    if folder != Path.cwd():
        with suppress(OSError):
            folder.rmdir()


def _unknown_option(error: MissingConfigException) -> Exception:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    if not error.options or not group:
        return ConfigError(_first_lines(error))
    return UnknownNameError(group, name, error.options)


def _unknown_key(command: str, error: ConfigCompositionException) -> Exception:
    """Return an error that names the key which the configuration lacks, and the nearest ones."""
    match = re.search(r"Could not override '([^']+)'", str(error))
    if match is None:
        return ConfigError(_first_lines(error))
    key = match.group(1)
    known = sorted(_keys(_default_config(command)))
    last = key.rpartition(".")[2]
    near = [name for name in known if name.rpartition(".")[2] == last]
    hint = f"; did you mean '{near[0]}'?" if near else did_you_mean(key, known)
    return ConfigError(
        f"the configuration of `kglm {command}` has no '{key}'{hint}; `kglm {command} --cfg job` shows all"
    )


def _default_config(command: str) -> Any:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_module("kglm.conf", version_base="1.3"):
        return OmegaConf.to_container(hydra.compose(command), resolve=False)


def _keys(config: Any, prefix: str = "") -> list[str]:
    if not isinstance(config, dict):
        return [prefix]
    inner = [key for name, value in config.items() for key in _keys(value, f"{prefix}.{name}" if prefix else name)]
    return inner + ([prefix] if prefix else [])


def _first_lines(error: Exception) -> str:
    """Return Hydra's message, or that of its cause, without pointers to the documentation."""
    cause: BaseException = error
    while not str(cause) and cause.__cause__ is not None:
        cause = cause.__cause__
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith(("See http", "Set the environment")))
