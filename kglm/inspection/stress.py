"""Positions in the plane whose distances follow those in the graph, by stochastic gradient descent on the stress.

Zheng, Pawar and Goodman 2018, "Graph drawing by stochastic gradient descent": the stress is
Σ_{i<j} w_ij (‖x_i − x_j‖ − d_ij)² with w_ij = d_ij⁻²; a step moves the two ends of one pair towards the distance d_ij
by the fraction μ = min(1, η w_ij), and η falls from 1 / w_min to ε / w_max over the iterations. One thread and a
seeded order: the same graph gives the same positions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ITERATIONS = 40
EPSILON = 0.1


@njit(cache=True, nogil=True)
def _distances(indptr: np.ndarray, neighbors: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return all shortest distances of a connected graph, by Dijkstra's algorithm with a binary heap."""
    num_nodes = len(indptr) - 1
    distances = np.full((num_nodes, num_nodes), np.inf, dtype=np.float32)
    heap_keys = np.empty(len(neighbors) + 1, dtype=np.float32)
    heap_nodes = np.empty(len(neighbors) + 1, dtype=np.int32)
    for start in range(num_nodes):
        row = distances[start]
        row[start] = 0.0
        heap_keys[0], heap_nodes[0], size = 0.0, start, 1
        while size:
            key, node = heap_keys[0], heap_nodes[0]
            size -= 1
            last_key, last_node, at = heap_keys[size], heap_nodes[size], 0
            while True:
                child = 2 * at + 1
                if child >= size:
                    break
                if child + 1 < size and heap_keys[child + 1] < heap_keys[child]:
                    child += 1
                if heap_keys[child] >= last_key:
                    break
                heap_keys[at], heap_nodes[at] = heap_keys[child], heap_nodes[child]
                at = child
            heap_keys[at], heap_nodes[at] = last_key, last_node
            if key > row[node]:
                continue
            for edge in range(indptr[node], indptr[node + 1]):
                other = neighbors[edge]
                longer = np.float32(key + lengths[edge])
                if longer < row[other]:
                    row[other] = longer
                    at = size
                    size += 1
                    while at > 0 and heap_keys[(at - 1) // 2] > longer:
                        heap_keys[at], heap_nodes[at] = heap_keys[(at - 1) // 2], heap_nodes[(at - 1) // 2]
                        at = (at - 1) // 2
                    heap_keys[at], heap_nodes[at] = longer, other
    return distances


@njit(cache=True, nogil=True)
def _descend(positions: np.ndarray, distances: np.ndarray, pairs: np.ndarray, step: float, free: np.ndarray) -> None:
    """Move the ``positions`` that are free in place, once for each pair ``i * N + j``, in their order."""
    num_nodes = len(positions)
    for pair in pairs:
        i, j = pair // num_nodes, pair % num_nodes
        wanted = distances[i, j]
        dx, dy = positions[i, 0] - positions[j, 0], positions[i, 1] - positions[j, 1]
        apart = max(np.sqrt(dx * dx + dy * dy), 1e-9)
        move = min(1.0, step / (wanted * wanted)) * (apart - wanted) / apart / (free[i] + free[j])
        positions[i, 0] -= move * dx * free[i]
        positions[i, 1] -= move * dy * free[i]
        positions[j, 0] += move * dx * free[j]
        positions[j, 1] += move * dy * free[j]


def stress_positions(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    lengths: np.ndarray,
    *,
    seed: int = 0,
    iterations: int = ITERATIONS,
    fixed: np.ndarray | None = None,
) -> np.ndarray:
    """Return positions of the nodes of a connected, undirected graph.

    Args:
        indptr: ``int64 [N + 1]``.
        neighbors: ``int32 [2 E]``, each link in both rows.
        lengths: ``float32 [2 E]`` the wanted length of each link, above 0.
        seed: of the first positions and of the order of the steps.
        iterations: passes over all pairs.
        fixed: ``float64 [N, 2]`` positions of nodes that stay where they are; NaN for all others.

    Returns:
        ``float64 [N, 2]``, centred unless some are fixed.
    """
    num_nodes = len(indptr) - 1
    rng = np.random.default_rng(seed)
    free = np.ones(num_nodes) if fixed is None else np.isnan(fixed[:, 0]).astype(np.float64)
    if num_nodes < 2:
        return np.zeros((num_nodes, 2)) if fixed is None or free.all() else fixed.copy()
    distances = _distances(indptr, neighbors, lengths)
    positions = rng.random((num_nodes, 2)) * float(distances.max())
    if fixed is not None:
        positions = np.where(free[:, None] > 0, positions - positions.mean(axis=0), fixed)
    first, second = np.triu_indices(num_nodes, 1)
    moving = (free[first] + free[second]) > 0
    if not moving.any():
        return positions
    first, second = first[moving], second[moving]
    pairs = (first * num_nodes + second).astype(np.int64)
    apart = distances[first, second]
    largest, smallest = float(apart.max()) ** 2, EPSILON * float(apart.min()) ** 2
    steps = largest * (smallest / largest) ** (np.arange(iterations) / max(1, iterations - 1))
    for step in steps:
        _descend(positions, distances, rng.permutation(pairs), step, free)
    return positions - positions.mean(axis=0) if fixed is None else positions
