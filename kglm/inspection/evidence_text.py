"""Text for pictures: clean, measured in points, wrapped and shortened to what there is room for."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties, fontManager, get_font

Measure = Callable[[str], float]
"""The width of a line of text."""

ELLIPSIS = "…"
UNDRAWN = {"Cc", "Cs", "Cn"}
"""Unicode categories: control characters, lone surrogates, and what is no character."""

LINE_SPACING = 1.2
DOTS_PER_POINT = 10
# matplotlib brings DejaVu Sans; the others, where installed, lend the characters it lacks.
FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Noto Sans JP",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)


@cache
def font_families() -> tuple[str, ...]:
    """Return the families of :data:`FONTS` that are installed, in that order."""
    installed = set(fontManager.get_font_names())
    return tuple(family for family in FONTS if family in installed)


@cache
def font(size: float, bold: bool = False) -> FontProperties:
    """Return the font of a size in points."""
    return FontProperties(family=list(font_families()), size=size, weight="bold" if bold else "normal")


def undrawable(text: str) -> str:
    """Return the characters, each once, that no installed font of ours has."""
    return "".join(sorted(character for character in set(text) - _drawable() if not character.isspace()))


@cache
def _drawable() -> set[str]:
    fonts = [get_font(fontManager.findfont(FontProperties(family=[family]))) for family in font_families()]
    return {chr(code) for one in fonts for code in one.get_charmap()}


def measure(size: float, bold: bool = False) -> Measure:
    """Return a function that gives the width in points of a line of text, never read as mathematics."""
    renderer, properties = _renderer(), font(size, bold)

    def width(line: str) -> float:
        if not line:
            return 0.0
        return float(renderer.get_text_width_height_descent(line, properties, ismath=False)[0]) / DOTS_PER_POINT

    return width


@cache
def _renderer() -> RendererAgg:
    return RendererAgg(1, 1, 72 * DOTS_PER_POINT)


def clean(text: str) -> str:
    """Return the text in one line, without characters that cannot be drawn or written to XML."""
    kept = (" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in UNDRAWN)
    return " ".join("".join(kept).split())


def wrap(text: str, width: float, max_lines: int, measured: Measure) -> list[str]:
    """Return at most ``max_lines`` lines, none wider than ``width``; an ellipsis stands for what is left out.

    A word wider than a line is broken, so that text written without spaces is wrapped as well.
    """
    lines, line = [], ""
    for word in clean(text).split(" "):
        for number, piece in enumerate(_pieces(word, width, measured)):
            longer = f"{line} {piece}".strip()
            if number == 0 and measured(longer) <= width:
                line = longer
            else:
                lines += [line] * bool(line)
                line = piece
        if len(lines) > max_lines:
            break
    lines.append(line)
    if len(lines) > max_lines:
        lines = [*lines[: max_lines - 1], shorten(lines[max_lines - 1] + ELLIPSIS, width, measured)]
    return lines


def shorten(line: str, width: float, measured: Measure) -> str:
    """Return the line, its end replaced by an ellipsis if it is wider than ``width``."""
    if measured(line) <= width:
        return line
    kept = _fitting(line, width, lambda part: measured(part + ELLIPSIS))
    return line[:kept].rstrip(f" {ELLIPSIS}") + ELLIPSIS


def _pieces(word: str, width: float, measured: Measure) -> list[str]:
    """Return the word, in pieces if it is wider than ``width``."""
    pieces = []
    while len(word) > 1 and measured(word[:MAX_PIECE]) > width:
        kept = max(1, _fitting(word[:MAX_PIECE], width, measured))
        pieces.append(word[:kept])
        word = word[kept:]
    return [*pieces, word]


MAX_PIECE = 400
"""No line holds more characters; measuring a longer text would be waste."""


def _fitting(text: str, width: float, measured: Measure) -> int:
    """Return how many characters of the text's beginning fit into ``width``."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measured(text[:middle]) <= width else (low, middle - 1)
    return low
