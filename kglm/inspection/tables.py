"""Tables that read well in a terminal of 80 columns, in a pipe and in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import IO, Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 100_000

Block = RenderableType
"""A table, a styled text, or plain text, of which no markup is read."""


def printable(value: object) -> str:
    """Return a value as one line without characters that would move the cursor or colour the terminal."""
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else f"\\x{ord(c):02x}" for c in text)


def number(value: float | None) -> str:
    """Return a number as a person writes it: ``12,345``, ``0.25``, ``1.5e-07``; a dash for None."""
    if value is None:
        return "–"
    if abs(value) < 1e15 and value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def share(part: int, whole: int) -> str:
    """Return a part as per cent with one decimal; a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def size(count: float) -> str:
    """Return a number of bytes as a person writes it: ``512 B``, ``4.9 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.0f} B" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    raise AssertionError


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table whose cells are folded, never cut off.

    Args:
        columns: headings; one that begins with ``>`` is set flush right, as numbers are.
        rows: cells; text as it is (no markup is read), numbers with :func:`number`.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        right = column.startswith(">")
        made.add_column(Text(column.removeprefix(">")), justify="right" if right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def pairs(rows: Iterable[tuple[str, object]]) -> Table:
    """Return facts as two columns without headings: what, and how much."""
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(style="bold", overflow="fold")
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(Text(name), _cell(value))
    return made


def show(*blocks: Block, file: IO[str] | None = None) -> None:
    """Print blocks with an empty line between them; text as it is.

    In a terminal they fit its width. Elsewhere there are no colours, and a row stays on its line however long.
    """
    file = file or sys.stdout
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    for position, block in enumerate(blocks):
        if position:
            console.print()
        with console.capture() as capture:
            console.print(_sentence(block) if isinstance(block, str) else block)
        # Cells are padded to their column's width; no line needs blanks at its end.
        lines = (line.rstrip() for line in capture.get().rstrip("\n").split("\n"))
        file.write(_writable("\n".join(lines) + "\n", file))


def _writable(text: str, file: IO[str]) -> str:
    """Return a text with question marks for what the file's encoding does not know."""
    encoding = getattr(file, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def heading(text: str, detail: str = "") -> Text:
    """Return a line in bold, with something quieter behind it."""
    line = Text(printable(text), style="bold")
    if detail:
        line.append(f"  {printable(detail)}", style="not bold dim")
    return line


def shown_of(shown: int, total: int, what: str) -> str:
    """Return ``showing 20 of 1,234 neighbours``, or nothing where all are shown."""
    return f"showing {shown:,} of {total:,} {what}" if shown < total else ""


def _sentence(text: str) -> Text:
    return Text("\n".join(printable(line) for line in text.split("\n")))


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Text(number(value))
    return Text("" if value is None else printable(value))
