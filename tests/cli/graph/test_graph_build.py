import json

from kglm.kg import KnowledgeGraph


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_build_tells_what_it_made(kglm, triples_file, tmp_path):
    source = tmp_path / "with_errors.tsv"
    source.write_text("# a comment\n" + triples_file.read_text() + "broken\n")
    outcome = kglm("graph", "build", source, "graph", "--name", "mine")
    assert outcome.code == 0, outcome.err
    text = outcome.out.splitlines()
    assert text[0].startswith("graph  graph 'mine', ")
    rows = {line[: line.rindex("  ")].strip(): line[line.rindex("  ") :].strip() for line in text[2:]}
    assert (rows["entities"], rows["triples"], rows["lines read"], rows["accepted"]) == ("10", "10", "12", "10")
    assert rows["skipped: comment"] == "1"
    assert rows["rejected"] == "1, see graph/rejected.jsonl"
    assert outcome.err == f"building 'mine' from {source} (format tsv)\n"
    (rejected,) = (tmp_path / "graph" / "rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected)["line"] == 12
    graph = KnowledgeGraph.open(tmp_path / "graph")
    assert (graph.name, graph.num_triples) == ("mine", 10)


def test_columns_options_and_weights(kglm, tmp_path):
    (tmp_path / "table.csv").write_text("subj;pred;obj;w\na;R;b;1\na;R;b;2\n")
    columns = [part for text in ("head=subj", "relation=pred", "tail=obj", "weight=3") for part in ("--column", text)]
    built = document(
        kglm(
            "graph", "build", "table.csv", "graph", *columns, "-o", "delimiter=;", "--merge-weights", "sum", "--json"
        )
    )
    assert (built["format"], built["triples"], built["rejected_file"]) == ("csv", 1, None)
    assert next(KnowledgeGraph.open(tmp_path / "graph").triples())[:4] == ("a", "R", "b", 3.0)


def test_language(kglm, tmp_path):
    (tmp_path / "g.ttl").write_text('@prefix : <urn:x:> .\n:a :r :b .\n:a rdfs:label "dog"@en, "Hund"@de .\n'.replace(
        "\n:a :r", '\n@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n:a :r', 1))  # fmt: skip
    document(kglm("graph", "build", "g.ttl", "graph", "--language", "de", "--json"))
    graph = KnowledgeGraph.open(tmp_path / "graph")
    assert graph.labels[graph.entity_id("a")] == "Hund"


def test_relation_maps_by_path_and_by_name(kglm, triples_file, tmp_path):
    (tmp_path / "map.tsv").write_text(
        "source\ttarget\tdirection\n"
        + "".join(
            f"{name}\tJoined\tsame\n" for name in ("UsedFor", "AtLocation", "HasPrerequisite", "HasA", "SimilarTo")
        )
    )
    assert (
        document(kglm("graph", "build", triples_file, "one", "--relation-map", "map.tsv", "--json"))["relations"] == 1
    )
    built = document(
        kglm("graph", "build", triples_file, "two", "--relation-map", "conceptnet/relations.tsv", "--json")
    )
    assert built["relations"] == 5  # names of the map, not of the source


def test_a_recipe_is_built_like_any_source(kglm, tmp_path):
    built = document(kglm("graph", "build", "everyday", "graph", "--name", "daily", "--json"))
    assert (built["name"], built["triples"]) == ("daily", 7946)


def test_a_compiled_graph_is_replaced_and_nothing_else_is(kglm, triples_file, tmp_path):
    for _ in range(2):
        assert kglm("graph", "build", triples_file, "graph").code == 0
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    (tmp_path / "file").write_text("")
    for place, message in (
        ("thesis", "the folder 'thesis' holds something other than a compiled graph; nothing is overwritten"),
        ("file", "'file' cannot be made: 'file' is a file"),
        ("file/graph", "'file/graph' cannot be made: 'file' is a file"),
    ):
        outcome = kglm("graph", "build", triples_file, place)
        assert (outcome.code, outcome.out) == (1, "")
        assert message in outcome.err
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_a_source_is_compiled_once(kglm, tmp_path):
    (tmp_path / "once.tsv").write_text("a\tr\tb\n")
    outcomes = [kglm("graph", "stats", "once.tsv", "--json") for _ in range(2)]
    assert outcomes[0].err.startswith("compiling graph 'once' from ")
    assert outcomes[1].err == ""
    assert outcomes[0].out == outcomes[1].out
