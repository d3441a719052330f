"""A figure as a file: PNG, SVG or PDF, the same bytes for the same figure, written atomically."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from kglm.errors import ConfigError
from kglm.files import atomic_write_bytes
from kglm.inspection.evidence_text import undrawable

ENDINGS = (".png", ".svg", ".pdf")
PNG_DPI = 160


def check_plot_path(path: Path | str) -> None:
    """Check, before any work, that a picture can be written to ``path``.

    Raises:
        ConfigError: another ending than .png, .svg or .pdf; the folder does not exist; or ``path`` is a folder.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(f"plot '{path}' ends in '{path.suffix}'; allowed endings: {', '.join(ENDINGS)}")
    if not path.parent.is_dir():
        raise ConfigError(f"plot '{path}': the folder '{path.parent}' does not exist")
    if path.is_dir():
        raise ConfigError(f"plot '{path}' is a folder, not a file")


def write_picture(draw: Callable[[], Figure], path: Path | str, text: str) -> None:
    """Write what ``draw`` returns to a path that :func:`check_plot_path` allows.

    Args:
        draw: makes the figure.
        path: the file; an old one is replaced.
        text: all that stands in the figure; one warning tells which of its characters no installed font has.
    """
    kind = Path(path).suffix.lower().removeprefix(".")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        content = _rendered(draw(), kind)
    if kind != "svg":
        _warn_of_missing_glyphs(text)
    atomic_write_bytes(path, content)


def _rendered(figure: Figure, kind: str) -> bytes:
    """Return the file's bytes; text stays text in SVG and PDF, and no date or chance goes into them."""
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "kglm", "pdf.fonttype": 42, "text.usetex": False}
    undated = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    buffer = io.BytesIO()
    with matplotlib.rc_context(settings):
        figure.savefig(buffer, format=kind, dpi=PNG_DPI, metadata=undated[kind])
    return buffer.getvalue()


def _warn_of_missing_glyphs(text: str) -> None:
    missing = undrawable(text)
    if missing:
        warnings.warn(
            f"no installed font has {len(missing)} of the characters ({missing[:20]}); they are drawn as empty "
            "boxes. Install a font such as Noto Sans CJK, or draw to an .svg file, which a browser shows in full",
            stacklevel=4,
        )
