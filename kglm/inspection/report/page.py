"""A report as one HTML file: tables, plots, and the worst mistakes with their evidence. It loads nothing."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from kglm.inference.answer import Answer
from kglm.inspection.report.mistakes import Mistake
from kglm.inspection.report.tables import ReportTable

MAX_PATHS = 5

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.note { color: #777; font-size: .88rem; }
figure { margin: 0; background: #fff; border-radius: 4px; }
figure svg { max-width: 100%; height: auto; display: block; }
article { border-top: 1px solid #8884; padding: .6rem 0; }
.bar { display: inline-block; height: .6em; background: #4477aa; border-radius: 2px; }
.right { font-weight: 600; } .chosen::before { content: "→ "; }
ul { margin: .3rem 0; padding-left: 1.2rem; } .paths { list-style: none; padding-left: 0; font-size: .92rem; }
"""


def render_report(
    title: str,
    tables: Sequence[ReportTable],
    plots: Mapping[str, str],
    mistakes: Mapping[str, Sequence[Mistake]],
) -> str:
    """Return the page.

    Args:
        title: of the page.
        tables: shown first.
        plots: SVG by title.
        mistakes: of each experiment, by its name; none gives no such part.
    """
    parts = [f"<h1>{_text(title)}</h1>", *map(_table, tables)]
    parts += [f"<h2>{_text(name)}</h2><figure>{svg}</figure>" for name, svg in plots.items()]
    parts += [_mistakes(name, found) for name, found in mistakes.items() if found]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n<body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _table(table: ReportTable) -> str:
    head = "".join(f"<th>{_text(cell)}</th>" for cell in table.columns)
    body = "\n".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    note = f'<p class="note">{_text(table.note)}</p>' if table.note else ""
    return (
        f"<h2>{_text(table.title)}</h2>\n"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>{note}'
    )


def _mistakes(name: str, mistakes: Sequence[Mistake]) -> str:
    return f"<h2>Worst mistakes of {_text(name)}</h2>\n" + "\n".join(map(_mistake, mistakes))


def _mistake(mistake: Mistake) -> str:
    answer = mistake.answer
    rows = "".join(_choice(mistake, answer, index) for index in range(len(answer.choices)))
    paths = "".join(
        f"<li>{100 * path.attention:.1f} % {_text(path.choice)}: {_text(path.line)}</li>"
        for label in dict.fromkeys((answer.best.label, _label(mistake)))
        for path in answer.evidence(label, MAX_PATHS)
    )
    notes = "".join(f'<p class="note">{_text(note)}</p>' for note in answer.notes)
    return (
        f"<article><h3>{_text(answer.question)}</h3><table>{rows}</table>"
        f'<ul class="paths">{paths}</ul>{notes}<p class="note">{_text(answer.id)}</p></article>'
    )


def _choice(mistake: Mistake, answer: Answer, index: int) -> str:
    choice = answer.choices[index]
    marks = ["right"] * (choice.text == mistake.right) + ["chosen"] * (index == answer.predicted)
    return (
        f'<tr><td class="{" ".join(marks)}">{_text(choice.label)} {_text(choice.text)}</td>'
        f'<td>{100 * choice.probability:.1f} %</td><td style="text-align:left;min-width:8rem">'
        f'<span class="bar" style="width:{8 * choice.probability:.2f}rem"></span></td></tr>'
    )


def _label(mistake: Mistake) -> str:
    return next(choice.label for choice in mistake.answer.choices if choice.text == mistake.right)


def _text(value: str) -> str:
    return html.escape(value)
