"""The manifest of a compiled graph: what it is, how it was made, and a digest of every array. Written last."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kglm.errors import GraphError
from kglm.files import atomic_write_text

FORMAT = "kglm-graph"
VERSION = 2
MANIFEST = "manifest.json"
# What the fingerprint covers: the content, not where it came from.
CONTENT = ("format", "version", "relations", "sources", "strings", "arrays")


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 over the content that a manifest describes; equal graphs have equal ones."""
    return _digest({key: manifest[key] for key in CONTENT})


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest with its own checksum; its presence marks a graph as complete.

    Raises:
        TypeError, ValueError: as for :func:`plain`.
    """
    manifest = plain(manifest)
    # In ASCII, as the name of a file that the graph came from may hold what UTF-8 cannot write.
    text = json.dumps({**manifest, "checksum": _digest(manifest)}, indent=2)
    atomic_write_text(folder / MANIFEST, text + "\n")


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``value`` as it will be read back from JSON, where all keys are strings.

    Raises:
        TypeError, ValueError: JSON has no such value (an unknown type, NaN, infinity).
    """
    return dict(json.loads(json.dumps(value, allow_nan=False)))


def may_be_replaced(folder: Path) -> bool:
    """Tell whether a graph may take the place of ``folder``: there is none, it is empty, or it holds a graph.

    A graph whose manifest is damaged may be replaced too.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return not folder.is_dir() or not any(folder.iterdir())
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return True
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def manifest_identity(folder: Path) -> tuple[int, int, int] | None:
    """Return what tells this manifest file from one that has taken its place, or None where there is none."""
    try:
        status = os.stat(folder / MANIFEST)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a compiled graph, checked for format, version and damage.

    Raises:
        GraphError: there is none, it is damaged, or it is of another version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise GraphError(f"'{folder}' holds no compiled graph ({MANIFEST} is missing)")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise GraphError(f"the manifest '{path}' cannot be read ({error}); build the graph again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise GraphError(f"'{folder}' is not a compiled graph: its manifest names no format '{FORMAT}'")
    version = manifest.get("version")
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        remedy = "install a newer kglm to read it" if newer else "build it again"
        raise GraphError(
            f"the compiled graph '{folder}' has version {version}, this kglm reads version {VERSION}; {remedy}"
        )
    checksum = manifest.pop("checksum", None)
    if checksum != _digest(manifest):
        raise GraphError(f"the manifest '{path}' is damaged (its checksum differs); build the graph again")
    if missing := [key for key in CONTENT if key not in manifest]:
        raise GraphError(f"the manifest '{path}' has no {', '.join(missing)}; build the graph again")
    if manifest.get("fingerprint") != fingerprint(manifest):
        raise GraphError(f"the manifest '{path}' is damaged (its fingerprint differs); build the graph again")
    return manifest


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()
