"""``kglm convert``: checkpoints of other projects made into ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

# Torch and transformers are imported inside the commands: help and completion stay fast.

app = typer.Typer(name="convert", help="Convert checkpoints of other projects.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Convert checkpoints of other projects."""


@app.command("thu-ernie")
def thu_ernie(
    release: Annotated[Path, typer.Argument(help="Folder with ernie_config.json, pytorch_model.bin and vocab.txt.")],
    out: Annotated[Path, typer.Argument(help="Folder for the converted model; must be new or empty.")],
    kg_embed: Annotated[
        Optional[Path],  # noqa: UP045  typer reads the annotation at run time
        typer.Option("--kg-embed", help="Folder with entity2id.txt, entity2vec.vec and entity_map.txt."),
    ] = None,
    cased: Annotated[
        bool, typer.Option("--cased", help="The vocabulary is of text that was not lower-cased.")
    ] = False,
) -> None:
    """Convert THU-ERNIE's released weights, and with --kg-embed its entity vectors."""
    from kglm.embeddings.thu_entities import write_thu_entities
    from kglm.errors import DataError
    from kglm.files import atomic_directory
    from kglm.models.thu_ernie import load_thu_ernie, load_thu_tokenizer

    if out.is_dir() and any(out.iterdir()):
        raise DataError(f"folder '{out}' is not empty; name a new one for the converted model")
    model = load_thu_ernie(release)
    tokenizer = load_thu_tokenizer(release, lowercase=not cased)
    entities = 0
    with atomic_directory(out) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        if kg_embed is not None:
            (temporary / "entities").mkdir()
            entities = write_thu_entities(kg_embed, temporary / "entities")
    typer.echo(f"{type(model).__name__} with entities of dimension {model.config.entity_dim}: '{out}'")
    if kg_embed is not None:
        typer.echo(f"vectors of {entities:,} entities: '{out / 'entities'}'")
