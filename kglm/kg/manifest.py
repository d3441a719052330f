"""The manifest of a compiled graph: what it is, how it was made, and a digest of every array. Written last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kglm.errors import GraphError
from kglm.files import atomic_write_json

FORMAT = "kglm-graph"
VERSION = 2
MANIFEST = "manifest.json"
# What the fingerprint covers: the content, not where it came from.
CONTENT = ("format", "version", "relations", "sources", "strings", "arrays")


def fingerprint(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 over the content that a manifest describes; equal graphs have equal ones."""
    return _digest({key: manifest[key] for key in CONTENT})


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest with its own checksum; its presence marks a graph as complete."""
    atomic_write_json(folder / MANIFEST, {**manifest, "checksum": _digest(manifest)})


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
    if checksum != _digest(manifest) or manifest.get("fingerprint") != fingerprint(manifest):
        raise GraphError(f"the manifest '{path}' is damaged (its checksum differs); build the graph again")
    return manifest


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()
