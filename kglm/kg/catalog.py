"""The graphs that kglm knows how to get and compile, by name: the recipes under ``graphs/``.

A recipe is a TOML file in a folder of :mod:`kglm.graphs`. ``NAME/recipe.toml`` is called ``NAME``, any other
``NAME/VARIANT.toml`` ``NAME-VARIANT``. It says what the graph is and who may use it (``title``, ``licence``,
``attribution``, ``homepage``), which files it is made of, and how::

    [files.source]
    path = "assertions.csv.gz"          # name of the file under the cache
    url = "https://..."                 # where it is downloaded from
    sha256 = "..."                      # absent: the first download is trusted, and recorded beside it
    bytes = 497963447
    unpack = "wordnet"                  # it is a zip archive, and this folder of it is meant ("." for all)
    data = "conceptnet/assertions.csv"  # or where a data folder may hold it already: a file, or a folder
    data_sha256 = "..."                 # if that is another file than the one to download;
    data_sha256 = { "a.tsv" = "..." }   # of a folder, those of the files that count
    bundled = "."                       # or where it lies in the recipe's own folder

    [graph]                             # the fields of GraphRecipe; "@NAME" stands for the path of files.NAME
    format = "conceptnet5"
    relation_map = "../conceptnet/relations.tsv"
"""

from __future__ import annotations

import os
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from tqdm import tqdm

from kglm.errors import ConfigError, DataError, UnknownNameError, did_you_mean, require_file
from kglm.files import atomic_directory
from kglm.kg.checksum import Checksum, known_sha256, verify_checksum
from kglm.kg.download import download
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.http_transfer import Progress
from kglm.kg.recipe import GraphRecipe

MAIN = "recipe"
SOURCE = "source"
DOWNLOADS = "downloads"


@dataclass(frozen=True, kw_only=True)
class RecipeFile:
    """A file (or folder) that a graph is made of, and where it may be found.

    Attributes:
        path: its name under the cache, once downloaded.
        url: where it is downloaded from, or None.
        sha256: the checksum of what is downloaded, or None where nobody has published it.
        bytes: the size of that, or None.
        unpack: the folder of the downloaded zip archive that is meant; None where it is no archive.
        data: its place in a data folder, or None.
        data_sha256: the checksum of the file there, or those of the files in the folder there; None where it is the
            file to be downloaded.
        bundled: its place in the recipe's folder, or None.
    """

    path: str = ""
    url: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    unpack: str | None = None
    data: str | None = None
    data_sha256: str | Mapping[str, str] | None = None
    bundled: str | None = None

    def __post_init__(self) -> None:
        if self.url is None and self.data is None and self.bundled is None:
            raise ConfigError("a file has no place; expected at least one of url, data, bundled")
        if self.url is not None and (not self.path or Path(self.path).name != self.path):
            raise ConfigError(f"path is {self.path!r}; a file with a url needs a plain file name")

    def find(self, folder: Path, downloads: Path, data_dir: Path) -> Path | None:
        """Return where the file lies, after downloading it where it lies nowhere; None where it cannot be had.

        Raises:
            DataError: it cannot be downloaded, or is not what it should be.
        """
        if self.bundled is not None:
            return (folder / self.bundled).resolve()
        if self.data is not None and (data_dir / self.data).exists():
            return self._check_data(data_dir / self.data)
        if self.url is None:
            return None
        target = downloads / self.path
        with _progress_bar(self.path) as progress:
            download(self.url, target, Checksum(sha256=self.sha256, size=self.bytes), progress=progress)
        return target if self.unpack is None else _unpack(target, known_sha256(target)) / self.unpack

    def _check_data(self, path: Path) -> Path:
        if isinstance(self.data_sha256, str):
            return verify_checksum(path, Checksum(sha256=self.data_sha256))
        if self.data_sha256 is None:
            return verify_checksum(path, Checksum(sha256=self.sha256, size=self.bytes))
        for name, sha256 in self.data_sha256.items():
            verify_checksum(require_file(path / name, "graph source"), Checksum(sha256=sha256))
        return path


@dataclass(frozen=True, kw_only=True)
class CatalogRecipe:
    """A recipe as its file states it.

    Attributes:
        name: what the graph is called.
        title: what it is, in a line.
        licence: an SPDX expression, or the licence's name.
        attribution: whom to credit.
        homepage: where it comes from.
        folder: where the recipe's file and its README lie.
        files: what it is made of; ``source`` is what the reader is given.
        graph: fields of :class:`GraphRecipe`, with ``@NAME`` for the path of a file.
    """

    name: str
    title: str
    licence: str
    attribution: str
    homepage: str
    folder: Path
    files: Mapping[str, RecipeFile]
    graph: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, path: Path) -> CatalogRecipe:
        """Read a recipe.

        Raises:
            DataError: the file is not TOML.
            ConfigError: it lacks a field, or has one that is unknown or not allowed.
        """
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"the recipe '{path}' is not TOML ({error})") from error
        try:
            parts = {role: RecipeFile(**entry) for role, entry in values.pop("files", {}).items()}
            recipe = cls(name=name, folder=path.parent, files=parts, **values)
        except (TypeError, ConfigError) as error:
            raise ConfigError(f"the recipe '{path}': {error}") from error
        if SOURCE not in recipe.files:
            raise ConfigError(f"the recipe '{path}' has no [files.{SOURCE}]")
        return recipe

    def fetch(self, cache_dir: Path | str, data_dir: Path | str | None = None) -> dict[str, Path]:
        """Return where each file lies, after downloading what is in no other place.

        A file is taken from the recipe's folder, else from ``data_dir``, else from an earlier download under
        ``cache_dir``, else it is downloaded there, with a progress bar where a person watches. Except for what ships
        with kglm, each is checked against the recipe's checksum, or where there is none, against that of the first
        download.

        Raises:
            DataError: a file is nowhere, cannot be downloaded, or is not what the recipe says.
        """
        downloads = Path(cache_dir) / DOWNLOADS / self.folder.name
        found = {role: entry.find(self.folder, downloads, _data_dir(data_dir)) for role, entry in self.files.items()}
        places = {role: place for role, place in found.items() if place is not None}
        for role in found.keys() - places.keys():
            raise self._missing(self.files[role], _data_dir(data_dir))
        return places

    def graph_recipe(self, cache_dir: Path | str, data_dir: Path | str | None = None) -> GraphRecipe:
        """Return how the graph is compiled from its files, which are fetched where they are missing.

        Raises:
            DataError: as :meth:`fetch`.
            ConfigError: the recipe's ``[graph]`` is not what :class:`GraphRecipe` takes.
        """
        places = self.fetch(cache_dir, data_dir)
        options = _resolve(dict(self.graph), places)
        if options.get("relation_map") is not None:
            options["relation_map"] = str((self.folder / options["relation_map"]).resolve())
        try:
            return GraphRecipe(name=self.name, source=str(places[SOURCE]), **options)
        except TypeError as error:
            raise ConfigError(f"the recipe '{self.name}': {error}") from error

    def _missing(self, entry: RecipeFile, data_dir: Path) -> DataError:
        there = "which does not hold it" if data_dir.is_dir() else "which does not exist"
        return DataError(
            f"the graph '{self.name}' is made from '{entry.data}' in the data folder '{data_dir}', {there}, and "
            f"can be had from nowhere else; set KGLM_DATA_DIR to a folder that holds it, see "
            f"{self.folder / 'README.md'}"
        )


def recipe_names() -> tuple[str, ...]:
    """Return the names of all recipes, sorted."""
    return tuple(sorted(_recipe_paths()))


def find_recipe(name: str) -> CatalogRecipe:
    """Return a recipe by name.

    Raises:
        UnknownNameError: there is none; the message proposes the nearest ones.
    """
    paths = _recipe_paths()
    if name not in paths:
        raise UnknownNameError("graph recipe", name, sorted(paths))
    return CatalogRecipe.read(name, paths[name])


def open_recipe(name: str, cache_dir: Path | str, data_dir: Path | str | None = None) -> KnowledgeGraph:
    """Open the graph of a recipe; its files are fetched and compiled under ``cache_dir`` on first use.

    Args:
        name: one of :func:`recipe_names`.
        cache_dir: where downloads and compiled graphs are kept.
        data_dir: a data folder that may hold the files already; None takes the one that ``KGLM_DATA_DIR`` names, else
            ``data``.

    Raises:
        UnknownNameError: there is no such recipe.
        DataError: a file cannot be had, or is not what the recipe says.
    """
    return find_recipe(name).graph_recipe(cache_dir, data_dir).open(cache_dir)


def _recipe_paths() -> dict[str, Path]:
    """Return the recipe files by name. The package lies in a folder, never in an archive: graphs are mapped."""
    root = Path(str(files("kglm.graphs")))
    paths = sorted(root.glob("*/*.toml"))
    return {p.parent.name if p.stem == MAIN else f"{p.parent.name}-{p.stem}": p for p in paths}


def _data_dir(named: Path | str | None) -> Path:
    """Return the data folder, which may not exist: the same as for ``kglm train``."""
    return Path(named or os.environ.get("KGLM_DATA_DIR") or "data").expanduser().absolute()


@contextmanager
def _progress_bar(name: str) -> Iterator[Progress]:
    """Show how far a download has come, where the error stream is a terminal."""
    with tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, disable=None, leave=False) as bar:

        def report(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report


def _unpack(archive: Path, sha256: str) -> Path:
    """Return the folder that holds the content of a zip archive, made when it is first asked for.

    Raises:
        DataError: it is no zip archive.
    """
    folder = archive.with_name(f"{archive.stem}-{sha256[:12]}")
    if not folder.is_dir():
        try:
            with atomic_directory(folder) as place, zipfile.ZipFile(archive) as content:
                content.extractall(place)
        except zipfile.BadZipFile as error:
            raise DataError(f"'{archive}' is not a zip archive ({error})") from error
    return folder


def _resolve(value: Any, places: Mapping[str, Path]) -> Any:
    """Return a value of a recipe with the paths of files in place of their names (``@labels``)."""
    if isinstance(value, dict):
        return {key: _resolve(part, places) for key, part in value.items()}
    if isinstance(value, str) and value.startswith("@"):
        if value[1:] not in places:
            raise ConfigError(f"'{value}' names no file of the recipe{did_you_mean(value[1:], places)}")
        return str(places[value[1:]])
    return value
