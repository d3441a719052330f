"""To PyTorch Geometric and back; needs the extra ``pyg`` (``torch-geometric``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kglm.errors import ConfigError, DataError
from kglm.kg.graph import KnowledgeGraph
from kglm.kg.interchange.selection import Selection
from kglm.kg.records import WEIGHT_EXPECTED, Records, Triple

if TYPE_CHECKING:
    from torch_geometric.data import Data, HeteroData

DEFAULT_TYPE = "entity"


def to_pyg(graph: KnowledgeGraph, entities: Iterable[int] | None = None) -> Data:
    """Return a graph, or a part of it, as PyG's ``Data``.

    The names stay in the graph: node ``i`` is the entity ``n_id[i]``, an edge's type is its relation's id. Tensors
    are made without a second copy of the arrays they come from.

    Args:
        graph: what is converted; N entities and E triples.
        entities: ids of the entities to take, with the triples between them; None for all.

    Returns:
        ``edge_index`` ``int64 [2, E]`` (from head to tail, by head, then tail, then relation), ``edge_type``
        ``int64 [E]``, ``edge_weight`` ``float32 [E]``, ``n_id`` ``int64 [N]`` (entity ids), ``num_nodes``.

    Raises:
        ConfigError: torch_geometric is not installed.
        GraphError: an id is not in the graph.
    """
    pyg = _require_pyg()
    nodes, heads, relations, tails, weights = _arrays(graph, entities)
    return pyg.Data(
        edge_index=torch.from_numpy(np.stack([heads, tails])),
        edge_type=torch.from_numpy(relations),
        edge_weight=torch.from_numpy(weights),
        n_id=torch.from_numpy(nodes),
        num_nodes=len(nodes),
    )


def to_pyg_hetero(
    graph: KnowledgeGraph,
    entities: Iterable[int] | None = None,
    *,
    type_relation: str | None = None,
    max_types: int = 32,
    default_type: str = DEFAULT_TYPE,
) -> HeteroData:
    """Return a graph, or a part of it, as PyG's ``HeteroData`` with an edge type for each relation.

    Without ``type_relation`` there is one type of nodes. With it (``rdf:type``, ``IsA``) an entity's type is the name
    of what it has that relation to: the heaviest such triple counts, of equal ones the first by entity id. Only the
    ``max_types`` most frequent types become types of nodes (of equally frequent ones the first by name); the
    other entities have the default type.

    Args:
        graph: what is converted.
        entities: ids of the entities to take, with the triples between them; None for all. Types are told from the
            whole graph.
        type_relation: relation from an entity to its type.
        max_types: how many types there are at most, beside the default.
        default_type: the type of entities without one.

    Returns:
        For each type of nodes ``n_id`` ``int64`` (entity ids, ascending) and ``num_nodes``; for each triple of head
        type, relation and tail type ``edge_index`` ``int64 [2, E]`` and ``edge_weight`` ``float32 [E]``.

    Raises:
        ConfigError: torch_geometric is not installed, or ``max_types`` is less than 1.
        UnknownNameError: the graph has no such relation.
        GraphError: an id is not in the graph.
    """
    pyg = _require_pyg()
    if max_types < 1:
        raise ConfigError(f"max_types={max_types}, expected 1 or more")
    nodes, heads, relations, tails, weights = _arrays(graph, entities)
    types, type_names = _node_types(graph, nodes, type_relation, max_types, default_type)
    data = pyg.HeteroData()
    place = np.empty(len(nodes), dtype=np.int64)  # of a node among those of its type
    for kind, name in enumerate(type_names):
        members = np.flatnonzero(types == kind)
        place[members] = np.arange(len(members))
        data[name].n_id = torch.from_numpy(nodes[members])
        data[name].num_nodes = len(members)
    for key, chosen in _edge_groups(types[heads], relations, types[tails]):
        store = data[type_names[key[0]], graph.relations[key[1]], type_names[key[2]]]
        store.edge_index = torch.from_numpy(np.stack([place[heads[chosen]], place[tails[chosen]]]))
        store.edge_weight = torch.from_numpy(weights[chosen])
    return data


def from_pyg(
    data: Data | HeteroData, entity_names: Sequence[str], relation_names: Sequence[str] | None = None
) -> Records:
    """Yield the triples of a ``Data`` or ``HeteroData``, for :func:`kglm.kg.build_graph`.

    Node ``i`` is named ``entity_names[n_id[i]]``, or ``entity_names[i]`` where the data have no ``n_id``; the
    weight is ``edge_weight``, or 1. In a ``HeteroData`` without ``n_id`` the names run through its types of nodes in
    their order.

    Args:
        data: with ``edge_index`` and, in a ``Data``, ``edge_type``.
        entity_names: names by entity id.
        relation_names: names by ``edge_type``; of no use to a ``HeteroData``, whose edge types are named.

    Raises:
        ConfigError: torch_geometric is not installed, or the names of relations are missing.
        DataError: a number has no name, an edge has no type, or a weight is not a single number.
    """
    pyg = _require_pyg()
    if isinstance(data, pyg.HeteroData):
        yield from _hetero_triples(data, entity_names)
        return
    if relation_names is None:
        raise ConfigError("relation_names is None, expected the names of the relations by edge_type")
    edges = data.num_edges
    if edges and data.get("edge_type") is None:
        raise DataError("the PyG data have no edge_type, expected the number of a relation for each edge")
    ids = _node_ids(data, data.num_nodes, 0)
    relations = _named(data.edge_type if edges else torch.empty(0), relation_names, "edge_type")
    yield from _triples(data, ids, ids, relations, entity_names)


def _require_pyg() -> ModuleType:
    try:
        import torch_geometric.data
    except ImportError as error:
        raise ConfigError(
            f"torch_geometric cannot be imported ({error}); install it with: pip install 'kglm[pyg]'"
        ) from error
    return torch_geometric.data


def _arrays(graph: KnowledgeGraph, entities: Iterable[int] | None) -> tuple[np.ndarray, ...]:
    """Return the nodes' entity ids, and heads, relations, tails and weights of the edges, ends numbered by node."""
    selection = Selection(graph, entities)
    heads, relations, tails, weights = selection.edges()
    if selection.ids is None:
        return np.arange(graph.num_entities), heads, relations, tails, weights
    nodes = selection.ids
    return nodes, np.searchsorted(nodes, heads), relations, np.searchsorted(nodes, tails), weights


def _node_types(
    graph: KnowledgeGraph, nodes: np.ndarray, type_relation: str | None, max_types: int, default_type: str
) -> tuple[np.ndarray, list[str]]:
    """Return the number of each node's type, ``int64 [N]``, and the names of the types."""
    if type_relation is None:
        return np.zeros(len(nodes), dtype=np.int64), [default_type]
    type_of = np.full(graph.num_entities, -1, dtype=np.int64)
    heads, relations, tails, weights = Selection(graph).edges()
    chosen = np.flatnonzero(relations == graph.relation_id(type_relation))
    # Written from the lightest to the heaviest, and of equal ones from the last to the first: the best one stays.
    order = np.lexsort((-tails[chosen], weights[chosen]))
    type_of[heads[chosen][order]] = tails[chosen][order]
    found, counts = np.unique(type_of[nodes][type_of[nodes] >= 0], return_counts=True)
    kept = np.sort(found[np.lexsort((found, -counts))][:max_types])
    names = [graph.entities[entity] for entity in kept.tolist()]
    if default_type in names:
        raise ConfigError(f"default_type='{default_type}' is the name of a type in the graph; expected another")
    numbers = np.full(graph.num_entities + 1, len(kept), dtype=np.int64)  # the last is reached by -1, no type
    numbers[kept] = np.arange(len(kept))
    return numbers[type_of[nodes]], [*names, default_type]


def _edge_groups(
    head_types: np.ndarray, relations: np.ndarray, tail_types: np.ndarray
) -> Iterator[tuple[tuple[int, int, int], np.ndarray]]:
    """Yield each combination that occurs, with the positions of its edges, ascending."""
    if not len(relations):
        return
    order = np.lexsort((tail_types, relations, head_types))
    keys = np.stack([head_types[order], relations[order], tail_types[order]])
    starts = np.flatnonzero(np.r_[True, (keys[:, 1:] != keys[:, :-1]).any(axis=0)])
    for start, end in zip(starts, [*starts[1:], keys.shape[1]], strict=True):
        head, relation, tail = keys[:, start].tolist()
        yield (head, relation, tail), order[start:end]


def _hetero_triples(data: HeteroData, entity_names: Sequence[str]) -> Iterator[Triple]:
    ids, first = {}, 0
    for kind in data.node_types:
        ids[kind] = _node_ids(data[kind], data[kind].num_nodes, first)
        first += data[kind].num_nodes
    for head_type, relation, tail_type in data.edge_types:
        store = data[head_type, relation, tail_type]
        relations = [relation] * store.num_edges
        yield from _triples(store, ids[head_type], ids[tail_type], relations, entity_names)


def _node_ids(store: Any, count: int, first: int) -> torch.Tensor:
    ids = store.get("n_id")
    return torch.arange(first, first + count) if ids is None else ids.cpu()


def _triples(
    store: Any, head_ids: torch.Tensor, tail_ids: torch.Tensor, relations: list[str], entity_names: Sequence[str]
) -> Iterator[Triple]:
    if not relations:
        return
    heads, tails = store.edge_index.cpu()
    weights = _weights(store, len(relations))
    names = (_named(head_ids[heads], entity_names, "node"), _named(tail_ids[tails], entity_names, "node"))
    for head, relation, tail, weight in zip(names[0], relations, names[1], weights, strict=True):
        yield Triple(head, relation, tail, weight)


def _weights(store: Any, edges: int) -> list[float]:
    weights = store.get("edge_weight")
    if weights is None:
        return [1.0] * edges
    if weights.numel() != edges:
        raise DataError(f"edge_weight has the shape {tuple(weights.shape)} for {edges} edges, {WEIGHT_EXPECTED} each")
    return weights.reshape(-1).tolist()


def _named(numbers: torch.Tensor, names: Sequence[str], what: str) -> list[str]:
    if numbers.numel() and not 0 <= int(numbers.min()) <= int(numbers.max()) < len(names):
        raise DataError(
            f"{what} {int(numbers.min())} to {int(numbers.max())}, but there are {len(names)} names; expected 0 to "
            f"{len(names) - 1}"
        )
    distinct, places = torch.unique(numbers, return_inverse=True)
    texts = [names[number] for number in distinct.tolist()]
    return [texts[place] for place in places.tolist()]
