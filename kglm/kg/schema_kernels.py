"""Compiled code: bounded simple paths between concept sets, and the schema graphs around them.

The rule that fixes the result, whatever the number of workers: between one question concept and one choice
concept, paths of h hops are ordered as a depth-first walk finds them that visits neighbours in the order of
the link rows (heaviest link first, ties by entity id). Over all concept pairs of a question-choice pair,
shorter paths come first; among paths of equal length the k-th of every concept pair comes before the (k+1)-th
of any; equal ranks stand in the order of the concept pairs. The first ``max_paths`` are kept.

All compiled functions stand in this one file: numba keeps compiled code by the file of the outermost function,
and would not notice a change in another.
"""

from __future__ import annotations

import numba
import numpy as np

# A choice concept's two-hop surroundings are marked beforehand only where that costs less than this many
# steps; around a hub the plain walk soon finds enough paths. The result is the same either way.
MARK_BUDGET = 20_000


@numba.njit(nogil=True, cache=True)
def find_paths(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    sources: np.ndarray,
    targets: np.ndarray,
    max_hops: int,
    max_paths: int,
    near: np.ndarray,
    middle: np.ndarray,
    stamp: int,
    out_nodes: np.ndarray,
    out_hops: np.ndarray,
    out_pairs: np.ndarray,
) -> tuple[int, int]:
    """Find the paths of one question-choice pair.

    Args:
        indptr: rows of the links, ``int64 [entities + 1]``.
        neighbors: links, ``int32``.
        sources: question concepts.
        targets: choice concepts, none of which is a source.
        max_hops: 1 to 3.
        max_paths: cap over all concept pairs.
        near: ``int64 [entities]`` scratch; an entity next to the target holds the current stamp.
        middle: the same for entities within two hops of the target.
        stamp: last stamp used in the scratch arrays.
        out_nodes: ``int32 [max_paths, max_hops + 1]``, filled.
        out_hops: ``int32 [max_paths]``, hops of each path, filled.
        out_pairs: ``int32 [max_paths]``, ``source index * len(targets) + target index``, filled.

    Returns:
        The number of paths and the last stamp used.
    """
    num_pairs = len(sources) * len(targets)
    found = 0
    if num_pairs == 0:
        return found, stamp
    candidates = np.empty((num_pairs, max_paths, max_hops + 1), dtype=np.int32)
    counts = np.empty(num_pairs, dtype=np.int32)
    for hops in range(1, max_hops + 1):
        counts[:] = 0
        for t in range(len(targets)):
            stamp += 1
            marked = _mark(indptr, neighbors, targets[t], hops, near, middle, stamp)
            for s in range(len(sources)):
                pair = s * len(targets) + t
                counts[pair] = _walk(
                    indptr, neighbors, sources[s], targets[t], hops, max_paths - found,
                    near, middle, stamp, marked, candidates[pair],
                )  # fmt: skip
        for rank in range(max_paths - found):
            before = found
            for pair in range(num_pairs):
                if rank < counts[pair] and found < max_paths:
                    out_nodes[found, : hops + 1] = candidates[pair, rank, : hops + 1]
                    out_hops[found] = hops
                    out_pairs[found] = pair
                    found += 1
            if found == before or found == max_paths:
                break
        if found == max_paths:
            break
    return found, stamp


@numba.njit(nogil=True, cache=True)
def _mark(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    target: int,
    hops: int,
    near: np.ndarray,
    middle: np.ndarray,
    stamp: int,
) -> bool:
    """Stamp the target's neighbours, and for three hops theirs; say whether the latter was done."""
    cost = 0
    for k in range(indptr[target], indptr[target + 1]):
        y = neighbors[k]
        near[y] = stamp
        cost += indptr[y + 1] - indptr[y]
    if hops < 3 or cost > MARK_BUDGET:
        return False
    for k in range(indptr[target], indptr[target + 1]):
        y = neighbors[k]
        for m in range(indptr[y], indptr[y + 1]):
            middle[neighbors[m]] = stamp
    return True


@numba.njit(nogil=True, cache=True)
def _walk(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    source: int,
    target: int,
    hops: int,
    limit: int,
    near: np.ndarray,
    middle: np.ndarray,
    stamp: int,
    marked: bool,
    out: np.ndarray,
) -> int:
    """Write the first ``limit`` simple paths of exactly ``hops`` hops into ``out``; return their number."""
    count = 0
    if hops == 1:
        if near[source] == stamp:
            out[0, 0], out[0, 1] = source, target
            count = 1
        return count
    for k in range(indptr[source], indptr[source + 1]):
        x = neighbors[k]
        if x == target:
            continue
        if hops == 2:
            if near[x] == stamp:
                out[count, 0], out[count, 1], out[count, 2] = source, x, target
                count += 1
                if count == limit:
                    return count
            continue
        if marked and middle[x] != stamp:
            continue
        for m in range(indptr[x], indptr[x + 1]):
            y = neighbors[m]
            if y != source and y != target and near[y] == stamp:
                out[count, 0], out[count, 1], out[count, 2], out[count, 3] = source, x, y, target
                count += 1
                if count == limit:
                    return count
    return count


@numba.njit(nogil=True, cache=True)
def extract(
    link_ptr: np.ndarray,
    link_neighbors: np.ndarray,
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    num_relations: int,
    questions: np.ndarray,
    question_offsets: np.ndarray,
    choices: np.ndarray,
    choice_offsets: np.ndarray,
    max_hops: int,
    max_paths: int,
) -> tuple[np.ndarray, ...]:
    """Extract the schema graphs of one chunk; see :class:`SchemaGraphs` for the arrays returned."""
    num_graphs = len(question_offsets) - 1
    num_entities = len(link_ptr) - 1
    near = np.zeros(num_entities, dtype=np.int64)
    middle = np.zeros(num_entities, dtype=np.int64)
    local = np.full(num_entities, -1, dtype=np.int32)
    stamp = 0
    found_nodes = np.empty((max_paths, max_hops + 1), dtype=np.int32)
    found_hops = np.empty(max_paths, dtype=np.int32)
    found_pairs = np.empty(max_paths, dtype=np.int32)

    node_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    edge_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    path_offsets = np.zeros(num_graphs + 1, dtype=np.int64)
    nodes = np.empty(1024, dtype=np.int32)
    edge_sources = np.empty(1024, dtype=np.int32)
    edge_targets = np.empty(1024, dtype=np.int32)
    relation_ends = np.empty(1024, dtype=np.int64)
    relations = np.empty(1024, dtype=np.int16)
    path_pair = np.empty(1024, dtype=np.int32)
    step_ends = np.empty(1024, dtype=np.int64)
    path_nodes = np.empty(1024, dtype=np.int32)
    path_edges = np.empty(1024, dtype=np.int32)
    n = e = k = p = s = 0

    for g in range(num_graphs):
        question = questions[question_offsets[g] : question_offsets[g + 1]]
        choice = choices[choice_offsets[g] : choice_offsets[g + 1]]
        found, stamp = find_paths(
            link_ptr, link_neighbors, question, choice, max_hops, max_paths,
            near, middle, stamp, found_nodes, found_hops, found_pairs,
        )  # fmt: skip

        # Nodes: question concepts, choice concepts, inner nodes of the paths.
        first_node = n
        nodes = _grow(nodes, n + len(question) + len(choice) + found * (max_hops - 1))
        for entity in question:
            local[entity] = n - first_node
            nodes[n] = entity
            n += 1
        for entity in choice:
            local[entity] = n - first_node
            nodes[n] = entity
            n += 1
        for path in range(found):
            for step in range(1, found_hops[path]):
                entity = found_nodes[path, step]
                if local[entity] < 0:
                    local[entity] = n - first_node
                    nodes[n] = entity
                    n += 1
        num_local = n - first_node

        # Edges: the distinct unordered node pairs of all hops and of the links within each concept set.
        size = found * max_hops + len(question) ** 2 + len(choice) ** 2
        keys = np.empty(size, dtype=np.int64)
        used = 0
        for path in range(found):
            for step in range(found_hops[path]):
                keys[used] = _edge_key(local[found_nodes[path, step]], local[found_nodes[path, step + 1]], num_local)
                used += 1
        used = _links_within(link_ptr, link_neighbors, question, local, num_local, keys, used)
        used = _links_within(link_ptr, link_neighbors, choice, local, num_local, keys, used)
        keys = np.unique(keys[:used])
        edge_sources = _grow(edge_sources, e + 2 * len(keys))
        edge_targets = _grow(edge_targets, e + 2 * len(keys))
        relation_ends = _grow(relation_ends, e + 2 * len(keys))
        for key in keys:
            u, v = key // num_local, key % num_local
            for source, target in ((u, v), (v, u)):
                edge_sources[e], edge_targets[e] = source, target
                a, b = nodes[first_node + source], nodes[first_node + target]
                relations, k = _append_relations(out_ptr, out_neighbors, out_relations, a, b, 0, relations, k)
                relations, k = _append_relations(
                    out_ptr, out_neighbors, out_relations, b, a, num_relations, relations, k
                )
                relation_ends[e] = k
                e += 1

        # Paths.
        path_pair = _grow(path_pair, p + found)
        step_ends = _grow(step_ends, p + found)
        path_nodes = _grow(path_nodes, s + found * (max_hops + 1))
        path_edges = _grow(path_edges, s + found * (max_hops + 1))
        for path in range(found):
            path_pair[p] = found_pairs[path]
            for step in range(found_hops[path] + 1):
                u = local[found_nodes[path, step]]
                path_nodes[s] = u
                path_edges[s] = -1
                if step < found_hops[path]:
                    v = local[found_nodes[path, step + 1]]
                    edge = 2 * np.searchsorted(keys, _edge_key(u, v, num_local))
                    path_edges[s] = edge if u < v else edge + 1
                s += 1
            step_ends[p] = s
            p += 1

        for node in range(first_node, n):
            local[nodes[node]] = -1
        node_offsets[g + 1], edge_offsets[g + 1], path_offsets[g + 1] = n, e, p

    edges = np.empty((2, e), dtype=np.int32)
    edges[0], edges[1] = edge_sources[:e], edge_targets[:e]
    edge_relation_offsets = np.zeros(e + 1, dtype=np.int64)
    edge_relation_offsets[1:] = relation_ends[:e]
    step_offsets = np.zeros(p + 1, dtype=np.int64)
    step_offsets[1:] = step_ends[:p]
    return (
        node_offsets, nodes[:n].copy(), edge_offsets, edges, edge_relation_offsets, relations[:k].copy(),
        path_offsets, path_pair[:p].copy(), step_offsets, path_nodes[:s].copy(), path_edges[:s].copy(),
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def _edge_key(u: int, v: int, num_local: int) -> int:
    """Return a number that names the unordered pair of two local nodes."""
    return min(u, v) * num_local + max(u, v)


@numba.njit(nogil=True, cache=True)
def _links_within(
    indptr: np.ndarray,
    neighbors: np.ndarray,
    concepts: np.ndarray,
    local: np.ndarray,
    num_local: int,
    keys: np.ndarray,
    used: int,
) -> int:
    """Append the keys of the links among ``concepts``; return how many keys are used now."""
    for i in range(len(concepts)):
        for j in range(i + 1, len(concepts)):
            a, b = concepts[i], concepts[j]
            if indptr[a + 1] - indptr[a] > indptr[b + 1] - indptr[b]:
                a, b = b, a
            for k in range(indptr[a], indptr[a + 1]):
                if neighbors[k] == b:
                    keys[used] = _edge_key(local[a], local[b], num_local)
                    used += 1
                    break
    return used


@numba.njit(nogil=True, cache=True)
def _append_relations(
    out_ptr: np.ndarray,
    out_neighbors: np.ndarray,
    out_relations: np.ndarray,
    source: int,
    target: int,
    shift: int,
    relations: np.ndarray,
    k: int,
) -> tuple[np.ndarray, int]:
    """Append the relations of the triples from ``source`` to ``target``, each plus ``shift``."""
    end = out_ptr[source + 1]
    at = out_ptr[source] + np.searchsorted(out_neighbors[out_ptr[source] : end], target)
    while at < end and out_neighbors[at] == target:
        relations = _grow(relations, k + 1)
        relations[k] = out_relations[at] + shift
        k += 1
        at += 1
    return relations, k


@numba.njit(nogil=True, cache=True)
def _grow(array: np.ndarray, needed: int) -> np.ndarray:
    """Return ``array``, or a larger copy that holds at least ``needed`` elements."""
    if needed <= len(array):
        return array
    larger = np.empty(max(needed, 2 * len(array)), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
