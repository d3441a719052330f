"""Where the nodes of a subgraph stand: near in the plane what is near in the graph.

Each connected part is laid out by itself (:mod:`kglm.inspection.stress`) and turned so that a question's concepts
stand to the left of a choice's, or the longest extent lies level; the parts are then packed side by side, the
largest first. The same subgraph gives the same layout.
"""

from __future__ import annotations

import networkx as nx
import numpy as np

from kglm.errors import ConfigError
from kglm.inspection.stress import stress_positions
from kglm.inspection.subgraph import Subgraph

MAX_NODES = 5000
"""All pairs of nodes are compared: memory and time grow with the square."""

PART_GAP = 1.2
ASPECT = 1.5


def lay_out_subgraph(subgraph: Subgraph, *, first: int | None = None, seed: int = 0) -> np.ndarray:
    """Return a position per node, x to the right and y upwards; a link is about 1 long.

    Args:
        subgraph: what is laid out.
        first: the first so many nodes are laid out as if there were no others, which then find places among and
            around them; None for all at once.
        seed: another one gives another layout of the same quality.

    Returns:
        ``float64 [N, 2]`` in the order of ``subgraph.nodes``.

    Raises:
        ConfigError: more than :data:`MAX_NODES` nodes.
    """
    if len(subgraph.nodes) > MAX_NODES:
        raise ConfigError(
            f"a subgraph of {len(subgraph.nodes):,} nodes cannot be laid out; at most {MAX_NODES:,}: "
            "take fewer with max_nodes"
        )
    index = {node.id: number for number, node in enumerate(subgraph.nodes)}
    links = nx.Graph()
    links.add_nodes_from(range(len(index)))
    links.add_edges_from((index[e.source], index[e.target]) for e in subgraph.edges if e.source != e.target)
    lefts = np.array([node.role == "question" for node in subgraph.nodes])
    rights = np.array([node.role == "choice" for node in subgraph.nodes])
    fixed = np.full((len(index), 2), np.nan)
    if first is not None and first < len(index):
        fixed[:first] = _positions(links.subgraph(range(first)), fixed[:first], lefts, rights, seed)
    return _positions(links, fixed, lefts, rights, seed)


def _positions(links: nx.Graph, fixed: np.ndarray, lefts: np.ndarray, rights: np.ndarray, seed: int) -> np.ndarray:
    """Return positions in which fixed ones (not NaN) stay; parts without any are packed, below those with some."""
    positions = fixed.copy()
    loose: list[list[int]] = []
    for part in sorted(
        (sorted(part) for part in nx.connected_components(links)), key=lambda part: (-len(part), part)
    ):
        if np.isnan(fixed[part]).all():
            loose.append(part)
        else:
            positions[part] = _part_positions(links, part, seed, fixed[part])
    placed = [_turned(_part_positions(links, part, seed), lefts[part], rights[part]) for part in loose]
    standing = positions[~np.isnan(positions[:, 0])]
    corner = np.array([standing[:, 0].min(), standing[:, 1].min() - PART_GAP]) if len(standing) else np.zeros(2)
    for part, where in zip(loose, _packed(placed), strict=True):
        positions[part] = where + corner
    return positions


def _part_positions(links: nx.Graph, part: list[int], seed: int, fixed: np.ndarray | None = None) -> np.ndarray:
    local = {node: number for number, node in enumerate(part)}
    rows = [sorted(local[other] for other in links[node]) for node in part]
    indptr = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    neighbors = np.array([other for row in rows for other in row], dtype=np.int32)
    owners = np.repeat(np.arange(len(rows)), np.diff(indptr))
    return stress_positions(indptr, neighbors, _lengths(rows, owners, neighbors), seed=seed, fixed=fixed)


def _lengths(rows: list[list[int]], owners: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Return longer lengths for links whose ends share few neighbours, so that clusters part from each other.

    The length is 1 where all neighbours are shared and up to 1 + √(neighbours of both, not shared) / 4 elsewhere:
    hubs get the room that their neighbours need (after Gansner, Koren and North 2005, section 4).
    """
    sets = [set(row) for row in rows]
    apart = [len(sets[i] ^ sets[j]) for i, j in zip(owners.tolist(), neighbors.tolist(), strict=True)]
    return (1 + np.sqrt(np.array(apart, dtype=np.float64)) / 4).astype(np.float32)


def _turned(positions: np.ndarray, lefts: np.ndarray, rights: np.ndarray) -> np.ndarray:
    """Return the positions turned: from the left ones to the right ones, or else along the longest extent."""
    if len(positions) < 2:
        return positions
    if lefts.any() and rights.any():
        axis = positions[rights].mean(axis=0) - positions[lefts].mean(axis=0)
    else:
        centred = positions - positions.mean(axis=0)
        axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
        # An eigenvector's sign is arbitrary: the first node, which matters most, comes to the left.
        axis = axis if (centred @ axis)[0] <= 0 else -axis
    length = float(np.hypot(*axis))
    cos, sin = axis / length if length > 1e-9 else (1.0, 0.0)
    return positions @ np.array([[cos, -sin], [sin, cos]])


def _packed(parts: list[np.ndarray]) -> list[np.ndarray]:
    """Return the parts moved side by side into shelves, those of a page with the aspect :data:`ASPECT`."""
    sizes = [np.ptp(part, axis=0) + PART_GAP for part in parts]
    area = sum(float(width * height) for width, height in sizes)
    limit = max([float(size[0]) for size in sizes[:1]] + [float(np.sqrt(area * ASPECT))])
    placed, x, y, shelf = [], 0.0, 0.0, 0.0
    for part, (width, height) in zip(parts, sizes, strict=True):
        if x and x + width > limit + 1e-9:
            x, y, shelf = 0.0, y - shelf, 0.0
        corner = np.array([part[:, 0].min(), part[:, 1].max()])
        placed.append(part - corner + np.array([x, y]))
        x, shelf = x + width, max(shelf, height)
    return placed
