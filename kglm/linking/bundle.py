"""A linker in a folder: encoder, weights, options, entity vectors, and what was added to it.

linker.json         manifest, written last
encoder/            weights and tokenizer, as Hugging Face saves them
entity_table/       where the linker has one
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from kglm.embeddings import EntityTable
from kglm.encoders import TextEncoder
from kglm.errors import ConfigError, DataError, FingerprintMismatchError
from kglm.files import atomic_directory, atomic_write_json
from kglm.kg.graph import KnowledgeGraph
from kglm.linking.entity_linker import EntityLinker
from kglm.linking.options import EntityLinkerOptions
from kglm.linking.weights import LinkerWeights

MANIFEST = "linker.json"
VERSION = 1


def save_linker(linker: EntityLinker, folder: Path | str) -> None:
    """Write a linker, all or nothing. The graph is not in it, only its fingerprint; nor is an index.

    Raises:
        ConfigError: the linker looks up candidates by meaning, and its index lies elsewhere.
    """
    if linker.index is not None:
        raise ConfigError("a linker with an index cannot be saved; give the index again when it is loaded")
    options = asdict(linker.options)
    del options["identity"]
    manifest: dict[str, Any] = {
        "version": VERSION,
        "fingerprint": linker.graph.fingerprint,
        "graph": linker.graph.name,
        "encoder": {
            "name": linker.encoder.name,
            "digest": linker.encoder.digest,
            "max_length": linker.encoder.max_length,
        },
        "options": options,
        "weights": linker.weights.to_dict(),
        "table": linker.table is not None,
        "added": [
            {"name": one.name, "label": one.label, "description": one.description, "neighbors": list(one.neighbors)}
            for one in linker.catalog.added
        ],
        "aliases": [list(one) for one in linker.catalog.aliases],
    }
    with atomic_directory(folder) as place:
        linker.encoder.model.save_pretrained(place / "encoder")
        linker.encoder.tokenizer.save_pretrained(place / "encoder")
        if linker.table is not None:
            linker.table.save(place / "entity_table")
        atomic_write_json(place / MANIFEST, manifest)


def load_linker(folder: Path | str, graph: KnowledgeGraph, *, device: str = "cpu") -> EntityLinker:
    """Return the linker that :func:`save_linker` wrote.

    Args:
        folder: of the linker.
        graph: the graph that it was made for.
        device: where its encoder runs.

    Raises:
        DataError: the folder holds no linker, or a damaged one.
        FingerprintMismatchError: the linker was made for another graph.
    """
    folder = Path(folder)
    manifest = _read(folder)
    if manifest["fingerprint"] != graph.fingerprint:
        raise FingerprintMismatchError(
            f"the linker '{folder}'",
            manifest["fingerprint"],
            graph.fingerprint,
            "Train it on this graph, or link to its own.",
        )
    try:
        about = manifest["encoder"]
        encoder = TextEncoder.load(str(folder / "encoder"), max_length=about["max_length"], device=device)
        encoder.name = about["name"]
        options = EntityLinkerOptions(**manifest["options"])
        weights = LinkerWeights.from_dict(manifest["weights"])
        table = EntityTable.open(folder / "entity_table", graph) if manifest["table"] else None
        linker = EntityLinker(graph, encoder=encoder, options=replace(options, dense=0), weights=weights, table=table)
        _add(linker, manifest)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise DataError(f"the linker '{folder}' cannot be read: {error}") from error
    if encoder.digest != about["digest"]:
        raise DataError(f"the encoder in '{folder}' is not the one that the linker was saved with; train it again")
    return linker


def _read(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"'{folder}' holds no linker; expected a folder with {MANIFEST}") from error
    except ValueError as error:
        raise DataError(f"the manifest '{path}' cannot be read ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("version") != VERSION:
        found = manifest.get("version") if isinstance(manifest, dict) else manifest
        raise DataError(f"the linker '{folder}' has version {found!r}, this kglm reads version {VERSION}")
    for key in ("fingerprint", "encoder", "options", "weights", "table", "added", "aliases"):
        if key not in manifest:
            raise DataError(f"the manifest '{path}' lacks '{key}'")
    return manifest


def _add(linker: EntityLinker, manifest: dict[str, Any]) -> None:
    for one in manifest["added"]:
        linker.add_entity(one["name"], one["label"], description=one["description"], neighbors=one["neighbors"])
    for entity, alias, count in manifest["aliases"]:
        linker.add_alias(entity, alias, count)
