"""A page measured in points, y downwards, on which text, boxes and edges are drawn; its colours.

The colours follow Okabe and Ito's, darkened to carry white text: people with any of the common colour blindnesses
tell them apart. Roles differ in shape and brightness too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.collections import EllipseCollection, LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path as Curve

from kglm.inspection.evidence_layout import Box, Point
from kglm.inspection.evidence_text import LINE_SPACING, font

POINTS_PER_INCH = 72

INK = "#1c1c1c"
QUIET_INK = "#5c5c5c"
BLUE = "#0060a0"
ORANGE = "#b54700"
BRIGHT_ORANGE = "#d55e00"
PALE = "#ececec"
GREY = "#8c8c8c"
LIGHT_GREY = "#b0b0b0"

ROUTE, EVIDENCE_ROUTE, BACKING, BOX, TEXT = 1, 2, 3, 4, 5
"""What is drawn over what."""

HALO = 1.3
"""How far, on either side of an edge, those below it are hidden."""

RAISE = 0.35
"""How far a line's middle is above its baseline: half the height of a capital, in font sizes."""


def head_length(width: float) -> float:
    """Return the length of the arrowhead of a line of this width."""
    return 5.0 + 1.2 * width


def head_breadth(width: float) -> float:
    """Return the height of the arrowhead of a line of this width."""
    return 0.8 * head_length(width)


@dataclass(frozen=True)
class Look:
    """How a box is drawn.

    Attributes:
        fill: colour of the area.
        line: colour of the outline.
        ink: colour of the text.
        rounding: radius of the corners in points.
        width: of the outline in points.
        bold: whether the text is.
        dashed: whether the outline is.
    """

    fill: str
    line: str
    ink: str
    rounding: float
    width: float = 1.0
    bold: bool = False
    dashed: bool = False


class Canvas:
    """A page that grows with what is drawn on it; :meth:`figure` cuts it to size."""

    def __init__(self) -> None:
        self._figure = Figure(facecolor="white")
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()

    def figure(self, width: float, height: float) -> Figure:
        """Return the page as a figure of this size in points."""
        self._figure.set_size_inches(width / POINTS_PER_INCH, height / POINTS_PER_INCH)
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)
        return self._figure

    def text(
        self,
        x: float,
        y: float,
        lines: Sequence[str],
        size: float,
        *,
        ink: str = INK,
        bold: bool = False,
        align: Literal["left", "center", "right"] = "left",
    ) -> None:
        """Write lines, their block's middle at ``y``; a ``$`` is a dollar sign, not mathematics."""
        for number, line in enumerate(lines):
            middle = y + (number - (len(lines) - 1) / 2) * size * LINE_SPACING
            self._axes.text(
                x,
                middle + RAISE * size,
                line,
                fontproperties=font(size, bold),
                color=ink,
                ha=align,
                va="baseline",
                parse_math=False,
                zorder=TEXT,
            )

    def box(self, box: Box, look: Look) -> None:
        """Draw a box with round corners."""
        radius = min(look.rounding, box.height / 2, box.width / 2)
        self._axes.add_patch(
            FancyBboxPatch(
                (box.left, box.y - box.height / 2),
                box.width,
                box.height,
                boxstyle=f"round,pad=0,rounding_size={radius}",
                facecolor=look.fill,
                edgecolor=look.line,
                linewidth=look.width,
                linestyle=(0, (3, 2)) if look.dashed else "solid",
                zorder=BOX,
            )
        )

    def area(self, box: Box, colour: str | tuple[float, ...], zorder: float = BACKING) -> None:
        """Fill a box, without an outline."""
        corner = (box.left, box.y - box.height / 2)
        self._axes.add_patch(Rectangle(corner, box.width, box.height, facecolor=colour, linewidth=0, zorder=zorder))

    def route(
        self,
        points: Sequence[Point],
        colour: str,
        width: float,
        *,
        at_start: bool = False,
        at_end: bool = False,
        zorder: float = ROUTE,
    ) -> None:
        """Draw an edge, by turns level and bent, with arrowheads where asked for; it parts edges that it crosses."""
        length = head_length(width)
        points = list(points)
        heads = [(points[0], length)] * at_start + [(points[-1], -length)] * at_end
        if at_start:
            points[:2] = _pulled_back(points[0], points[1], length)
        if at_end:
            points[-1:-3:-1] = _pulled_back(points[-1], points[-2], -length)
        curve = _curve(points)
        for ink, breadth in (("white", width + 2 * HALO), (colour, width)):
            patch = PathPatch(curve, facecolor="none", edgecolor=ink, linewidth=breadth, zorder=zorder)
            patch.set_capstyle("butt")
            self._axes.add_patch(patch)
        half = head_breadth(width) / 2
        for (x, y), back in heads:
            corners = [(x, y), (x + back, y - half), (x + back, y + half)]
            self._axes.add_patch(Polygon(corners, facecolor=colour, linewidth=0, zorder=zorder))

    def ways(
        self,
        ways: Sequence[np.ndarray],
        colours: Sequence[str],
        width: float,
        dashes: Sequence[tuple[float, ...]],
        *,
        opacity: float = 1.0,
        zorder: float = ROUTE,
    ) -> None:
        """Draw many lines at once, each a ``[n, 2]`` array; dashes are lengths of stroke and gap in points."""
        styles = [(0, [length / width for length in dash]) if dash else "solid" for dash in dashes]
        self._axes.add_collection(
            LineCollection(
                list(ways), colors=list(colours), linewidths=width, linestyles=styles, alpha=opacity, zorder=zorder
            )
        )

    def areas(
        self, corners: Sequence[np.ndarray], colours: Sequence[str], *, opacity: float = 1.0, zorder: float = ROUTE
    ) -> None:
        """Fill many polygons at once, each a ``[n, 2]`` array."""
        self._axes.add_collection(
            PolyCollection(list(corners), facecolors=list(colours), linewidths=0, alpha=opacity, zorder=zorder)
        )

    def discs(
        self, centers: np.ndarray, radii: np.ndarray, fills: Sequence[str], lines: Sequence[str], width: float
    ) -> None:
        """Draw many discs at once; ``[N, 2]`` centres and ``[N]`` radii."""
        self._axes.add_collection(
            EllipseCollection(
                2 * radii,
                2 * radii,
                np.zeros(len(radii)),
                units="xy",
                offsets=centers,
                offset_transform=self._axes.transData,
                facecolors=list(fills),
                edgecolors=list(lines),
                linewidths=width,
                zorder=BOX,
            )
        )


def _pulled_back(tip: Point, bend: Point, length: float) -> list[Point]:
    """Return a route's last two points, away from the tip by the arrowhead that stands there."""
    base = tip[0] + 0.8 * length
    further = max if length > 0 else min
    return [(base, tip[1]), (further(bend[0], base), bend[1])]


def _curve(points: Sequence[Point]) -> Curve:
    vertices, codes = [points[0]], [Curve.MOVETO]
    for at in range(1, len(points)):
        (x0, y0), (x1, y1) = points[at - 1], points[at]
        if at % 2:
            vertices.append((x1, y1))
            codes.append(Curve.LINETO)
        else:
            middle = (x0 + x1) / 2
            vertices += [(middle, y0), (middle, y1), (x1, y1)]
            codes += [Curve.CURVE4] * 3
    return Curve(vertices, codes)
