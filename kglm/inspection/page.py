"""A subgraph as one HTML file that shows itself in any browser, without a network.

Bokeh (https://bokeh.org, BSD-3-Clause) draws; its JavaScript is taken from the installed package when the page is
written. The layout is computed here, so that a page opens at once. A content security policy in the page permits its
own scripts by their hashes and nothing from elsewhere: no text of a graph can become code or load anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from kglm.errors import ConfigError
from kglm.files import atomic_write_bytes
from kglm.inspection.layout import lay_out_subgraph
from kglm.inspection.relation_style import COLOURS, DARK_COLOURS, REST, RelationStyle, relation_styles
from kglm.inspection.separation import separate
from kglm.inspection.subgraph import Subgraph
from kglm.inspection.subgraph_roles import MEANINGS, label_of
from kglm.kg.verbalization import spell_out, verbalize_triple

SCRIPTS = (
    "graph.js", "state.js", "drawing.js", "labels.js", "pointer.js", "panel.js", "legend.js", "search.js",
    "exports.js", "keyboard.js", "main.js",
)  # fmt: skip
"""In the order in which they build on each other."""

SHOWN = 150
STRETCH = 1.35
"""Screens are broader than high."""

ROOM = 0.3
"""The part of the area that the nodes' own squares fill."""

HEAD, TAIL = "\u0001", "\u0002"
"""Marks for a triple's ends in a relation's template; control characters, which no label on a page holds."""


def write_page(subgraph: Subgraph, path: Path | str, *, shown: int = SHOWN, seed: int = 0) -> int:
    """Write a subgraph as a self-contained interactive page, atomically.

    The reader moves, zooms, searches, filters by relation, expands nodes whose neighbours are hidden, prunes others,
    reads about nodes and edges, and saves what is shown as PNG, SVG or GraphML; all of it with the keyboard too. The
    address after ``#`` holds the view. The same subgraph gives the same file.

    Args:
        subgraph: what the page holds.
        path: a .html or .htm file; an old one is replaced.
        shown: how many nodes show at first, the first ones of the subgraph; the others wait to be revealed.
        seed: another one gives another layout.

    Returns:
        The file's size in bytes; about 1.5 MB are the library's.

    Raises:
        ConfigError: see :func:`check_page_path`; ``shown`` is less than 1; or the subgraph has too many nodes.
    """
    path = check_page_path(path)
    if shown < 1:
        raise ConfigError(f"shown is {shown}; at least 1 node is shown at first")
    content = render_page(subgraph, shown=shown, seed=seed).encode("utf-8", "replace")
    atomic_write_bytes(path, content)
    return len(content)


def check_page_path(path: Path | str) -> Path:
    """Check, before any work, that a page can be written to ``path``, and return it.

    Raises:
        ConfigError: another ending than .html or .htm; the folder does not exist; or ``path`` is a folder.
    """
    path = Path(path)
    if path.suffix.lower() not in {".html", ".htm"}:
        raise ConfigError(f"page '{path}' ends in '{path.suffix}'; allowed endings: .html, .htm")
    if not path.parent.is_dir():
        raise ConfigError(f"page '{path}': the folder '{path.parent}' does not exist")
    if path.is_dir():
        raise ConfigError(f"page '{path}' is a folder, not a file")
    return path


def render_page(subgraph: Subgraph, *, shown: int = SHOWN, seed: int = 0) -> str:
    """Return the page of :func:`write_page` as text."""
    library, script = _library(), _script()
    # Substitution happens once and at the top level only: no text is searched for marks again.
    return Template(_asset("page.html")).substitute(
        policy=_policy(library, script),
        title=html.escape(subgraph.title),
        style=_asset("page.css"),
        data=_embedded(page_data(subgraph, shown=shown, seed=seed)),
        library=library,
        script=script,
    )


def page_data(subgraph: Subgraph, *, shown: int = SHOWN, seed: int = 0) -> dict[str, Any]:
    """Return what the page's scripts read, as JSON values; edges name their ends by place among the nodes."""
    index = {node.id: number for number, node in enumerate(subgraph.nodes)}
    places = {relation: number for number, relation in enumerate(subgraph.relations)}
    return {
        "title": subgraph.title,
        "graph": subgraph.graph_name,
        "fingerprint": subgraph.fingerprint,
        "total": subgraph.total_nodes,
        "shown": min(shown, len(subgraph.nodes)),
        "roles": dict(MEANINGS),
        "nodes": [
            {
                "name": node.name,
                "label": label_of(node),
                "role": node.role,
                "description": node.description,
                "hops": node.hops,
                "degree": node.degree,
                "x": x,
                "y": y,
            }
            for node, (x, y) in zip(subgraph.nodes, _positions(subgraph, shown, seed), strict=True)
        ],
        "edges": [
            {
                "source": index[edge.source],
                "target": index[edge.target],
                "relation": places[edge.relation],
                "weight": float(f"{edge.weight:.6g}"),
                "by": edge.asserted_by,
            }
            for edge in subgraph.edges
        ],
        "relations": _relations(subgraph),
    }


def _positions(subgraph: Subgraph, shown: int, seed: int) -> list[list[float]]:
    """Return positions for which the nodes shown at first have the page to themselves, and no dot covers another."""
    positions = lay_out_subgraph(subgraph, first=shown, seed=seed) * (STRETCH, 1.0)
    if not len(positions):
        return []
    positions[:shown] = _parted(positions[:shown])
    return np.round(_parted(positions), 3).tolist()


def _parted(positions: np.ndarray) -> np.ndarray:
    """Return positions moved apart so that each has some of its share of the area to itself."""
    width, height = np.maximum(np.ptp(positions, axis=0), 1.0)
    side = np.sqrt(ROOM * width * height / len(positions))
    return separate(positions, np.full(positions.shape, side))


def _relations(subgraph: Subgraph) -> list[dict[str, Any]]:
    styles = relation_styles(list(subgraph.relations))
    return [
        {
            "name": name,
            "words": spell_out(name) or name,
            "template": verbalize_triple(HEAD, name, TAIL),
            "count": count,
            "light": styles[name].colour,
            "dark": _dark(styles[name]),
            "dash": list(styles[name].dash),
        }
        for name, count in subgraph.relations.items()
    ]


def _dark(style: RelationStyle) -> str:
    return DARK_COLOURS[COLOURS.index(style.colour)] if style.own else REST.colour


def _embedded(values: dict[str, Any]) -> str:
    """Return JSON that HTML reads as text: whatever a label holds, it ends no element and begins none."""
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(*scripts: str) -> str:
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _library() -> str:
    """Return the drawing library's JavaScript, without what would end the element that holds it."""
    from bokeh.resources import Resources

    resources = Resources(mode="inline", components=["bokeh", "bokeh-api"], minified=True, log_level="error")
    return "\n".join(resources.js_raw).replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _script() -> str:
    return '"use strict";\n(() => {\n' + "\n".join(_asset(name) for name in SCRIPTS) + "})()\n"


def _asset(name: str) -> str:
    return (files("kglm.inspection") / "assets" / name).read_text(encoding="utf-8")
