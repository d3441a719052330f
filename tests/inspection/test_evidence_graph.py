from dataclasses import replace

from kglm.inspection.evidence_graph import build_evidence_graph, short_name, shown_paths


def graph_of_answer(answer, max_paths=5, max_other=2):
    return build_evidence_graph(*shown_paths(answer, max_paths, max_other))


def test_columns_follow_roles(answers):
    for answer in answers.values():
        own, other = shown_paths(answer, 5, 2)
        if not own and not other:
            continue
        graph = build_evidence_graph(own, other)
        last = max(node.column for node in graph.nodes)
        assert last == max(len(path.relations) for path in own + other)
        paths = own + other
        column = {c: {n.entity for n in graph.nodes if n.column == c} for c in range(last + 1)}
        assert column[0] == {path.entities[0] for path in paths}
        assert column[last] == {path.entities[-1] for path in paths}
        for node in graph.nodes:
            if node.column == 0:
                assert node.role == "question"
            elif node.column == last:
                assert node.role == ("predicted" if answer.best.label in node.choices else "other")
            assert node.repeated == any(node.entity in column[c] for c in range(node.column))


def test_every_path_runs_through_the_graph(answers):
    for answer in answers.values():
        own, other = shown_paths(answer, 5, 2)
        if not own and not other:
            continue
        graph = build_evidence_graph(own, other)
        joined = {
            (graph.nodes[edge.source].entity, graph.nodes[edge.target].entity): edge
            for edge in graph.edges
            if graph.nodes[edge.source].column < graph.nodes[edge.target].column
        }
        assert len(graph.edges) >= len(joined)
        for path in own + other:
            for source, target, hop in zip(path.entities, path.entities[1:], path.relations, strict=False):
                names = {name for name, _ in joined[source, target].relations}
                assert {short_name(name.removeprefix("^")) for name in hop} <= names


def test_shares_add_up_along_shared_edges(answer_of, path_of):
    answer = answer_of(
        ["trowel", "pillow"],
        [
            path_of("A", 0.4, "plant", "IsA", "gardening", "^UsedFor", "trowel"),
            path_of("A", 0.3, "garden", "UsedFor", "gardening", "^UsedFor", "trowel"),
            path_of("B", 0.9, "garden", "UsedFor", "gardening", "RelatedTo", "pillow"),
        ],
    )
    graph = graph_of_answer(answer)
    shares = {(graph.nodes[e.source].entity, graph.nodes[e.target].entity): round(e.share, 6) for e in graph.edges}
    assert shares == {
        ("plant", "gardening"): 0.4,
        ("gardening", "trowel"): 0.7,
        ("garden", "gardening"): 0.3,
        ("gardening", "pillow"): 0.0,
    }
    assert [edge.highlighted for edge in graph.edges] == [True, True, True, False]


def test_arrows_point_as_the_triples_do(answer_of, path_of):
    path = path_of(
        "A", 0.4, "dig", "^UsedFor", "shovel", "IsA", "tool", "UsedFor/^HasA/RelatedTo/^RelatedTo", "spade"
    )
    edges = graph_of_answer(answer_of(["spade", "x"], [path])).edges
    assert [(edge.points_left, edge.points_right) for edge in edges] == [(True, False), (False, True), (True, True)]
    assert edges[2].relations == (("UsedFor", "forward"), ("RelatedTo", "both"), ("HasA", "inverse"))


def test_a_short_path_joins_the_step_of_a_long_one(answer_of, path_of):
    answer = answer_of(
        ["trowel", "x"],
        [
            path_of("A", 0.5, "plant", "IsA", "gardening", "^UsedFor", "trowel"),
            path_of("A", 0.4, "bed", "AtLocation", "garden", "UsedFor", "gardening", "^UsedFor", "trowel"),
        ],
    )
    nodes = graph_of_answer(answer).nodes
    assert [(node.entity, node.column) for node in nodes if node.role == "step"] == [("gardening", 2), ("garden", 1)]
    assert not any(node.repeated for node in nodes)


def test_the_number_of_paths_is_limited(crowded):
    own, other = shown_paths(crowded, 3, 1)
    assert [path.choice for path in own] == ["D"] * 3
    assert sorted(path.choice for path in other) == list("ABCEFGHIJ")


def test_nodes_bear_the_labels_of_the_path_not_the_names(answer_of, path_of):
    path = replace(path_of("A", 0.4, "plant flowers", "IsA/^HasA", "gardening"), entities=("wd:Q1", "wd:Q2"))
    graph = graph_of_answer(answer_of(["gardening", "cooking"], [path]))
    assert [(node.entity, node.label) for node in graph.nodes] == [("wd:Q1", "plant flowers"), ("wd:Q2", "gardening")]


def test_short_name_is_the_last_part_of_an_iri():
    names = ["http://x.org/a#usedFor", "urn:kglm:dig", "http://x.org/a/", "schema:usedFor", "a/b", "UsedFor"]
    assert [short_name(name) for name in names] == ["usedFor", "dig", "a", "schema:usedFor", "a/b", "UsedFor"]
