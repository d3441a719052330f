"""The commands that look into a graph: what they print, as tables in a pipe and as JSON."""

import json

import pytest


def lines(outcome):
    assert outcome.code == 0, outcome.err
    assert "\x1b" not in outcome.out
    return outcome.out.splitlines()


def document(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def cells(line):
    """The cells of a row of a table; none of the names here holds two blanks."""
    return [part.strip() for part in line.split("  ") if part.strip()]


def test_stats(kglm, tools):
    found = document(kglm("graph", "stats", tools, "--json"))
    assert (found["name"], found["entities"], found["triples"]) == ("tools", 10, 10)
    assert list(found["relations"].items())[:2] == [("AtLocation", 4), ("UsedFor", 3)]
    assert (found["components"], found["component_sizes"], found["isolated_pairs"]) == (2, [8, 2], 1)
    assert found["hubs"][0] == {"name": "shed", "label": "shed", "out": 1, "into": 2}
    assert found["naming"]["aliased"] == 3
    assert found["naming"]["ambiguous_forms"] == 1
    assert found["disk"]["total"] == sum(path.stat().st_size for path in tools.iterdir())
    text = lines(kglm("graph", "stats", tools, "--limit", "2"))
    assert text[0].startswith("tools  fingerprint ")
    assert "showing 2 of 5 (--limit)" in text
    assert ["AtLocation", "4", "40.0 %"] in [cells(line) for line in text]


def test_neighbors(kglm, tools):
    text = lines(kglm("graph", "neighbors", tools, "trowel"))
    assert text[0] == "trowel  3 neighbours in tools"
    assert cells(text[2]) == ["also", "hand trowel"]
    assert [cells(line) for line in text[6:]] == [
        ["→", "UsedFor", "dig", "2"],
        ["→", "AtLocation", "shed", "1"],
        ["→", "UsedFor", "plant flowers", "1"],
    ]
    found = document(kglm("graph", "neighbors", tools, "Hand Trowel", "-r", "usedfor", "-n", "1", "--json"))
    assert (found["entity"]["name"], found["total"], len(found["neighbors"])) == ("trowel", 2, 1)
    assert lines(kglm("graph", "neighbors", tools, "dig", "-d", "out"))[-1] == "no triple passes the filters"
    assert lines(kglm("graph", "neighbors", tools, "dig", "-n", "1"))[-1] == "showing 1 of 2 triples (--limit)"


def test_path(kglm, tools):
    text = lines(kglm("graph", "path", tools, "trowel", "shovel", "--hops", "2", "--cheapest"))
    assert text[0] == "trowel to shovel  in tools"
    assert cells(text[4]) == ["2", "8", "trowel —UsedFor→ dig ←UsedFor— shovel"]
    assert text[5].strip() == "trowel is used for dig; shovel is used for dig"
    assert cells(text[-2]) == ["2", "0.75", "trowel —UsedFor→ dig ←UsedFor— shovel"]
    outcome = kglm("graph", "path", tools, "dig with a trowel?", "the moon is here", "-k", "4")
    assert lines(outcome)[-1] == "no path of up to 4 hops"
    assert "'dig with a trowel?' names: dig, trowel" in outcome.err
    found = document(kglm("graph", "path", tools, "flower", "trowel", "--json"))
    assert found["paths"][0]["names"] == ["flower", "plant_flowers", "trowel"]
    assert found["paths"][0]["relations"] == [["^HasPrerequisite"], ["^UsedFor"]]
    assert (found["paths"][0]["hops"], found["cheapest"]) == (2, None)


def test_subgraph(kglm, tools):
    found = document(kglm("graph", "subgraph", tools, "trowel", "moon", "--json"))
    assert [node["name"] for node in found["nodes"] if node["role"] == "seed"] == ["trowel", "moon"]
    assert len(found["nodes"]) == found["total_nodes"] == 6
    text = lines(kglm("graph", "subgraph", tools, "shed", "-k", "2", "-n", "3"))
    assert text[0] == "2 hops around shed  3 entities and 2 triples of tools"
    assert text[-1] == "showing 3 of 8 entities (--max-nodes)"
    found = document(kglm("graph", "subgraph", tools, "-q", "dig?", "-c", "garden", "-k", "3", "--json"))
    roles = {node["name"]: node["role"] for node in found["nodes"]}
    assert roles["dig"] == "question"
    assert roles["garden"] == "choice"
    assert roles["shed"] == "other"
    assert found["title"] == "dig? — garden"
    outcome = kglm("graph", "subgraph", tools, "-q", "dig?", "-c", "moon")
    assert outcome.err.splitlines()[-1] == "no path of up to 2 hops joins them (--hops)"
    assert [cells(line) for line in lines(outcome)[2:]][-2:] == [[], ["no triples"]]


def test_a_subgraph_as_picture_and_page(kglm, tools, tmp_path):
    outcome = kglm("graph", "subgraph", tools, "trowel", "--plot", "t.svg", "--html", "t.html")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "wrote t.svg\nwrote t.html\n"
    assert "<svg" in (tmp_path / "t.svg").read_text()
    assert "hand trowel" not in (tmp_path / "t.html").read_text()  # an alias, which is not shown
    assert "plant flowers" in (tmp_path / "t.html").read_text()
    assert document(kglm("graph", "subgraph", tools, "dig", "--html", "d.html", "--json"))["total_nodes"] == 3


def test_search(kglm, tools):
    text = lines(kglm("graph", "search", tools, "sh"))
    assert [cells(line) for line in text[2:]] == [["shed", "3"], ["shovel", "3"]]
    found = document(kglm("graph", "search", tools, "digger", "--json"))
    assert [match["name"] for match in found["matches"]] == ["shovel", "spade"]
    assert (
        document(kglm("graph", "search", tools, "rater", "--substring", "--json"))["matches"][0]["name"] == "crater"
    )
    assert document(kglm("graph", "search", tools, "troewl", "--fuzzy", "--json"))["matches"][0]["name"] == "trowel"
    assert lines(kglm("graph", "search", tools, "zzz")) == ["nothing found for 'zzz'; try --substring or --fuzzy"]


def test_coverage(kglm, tools, questions_file):
    outcome = kglm("graph", "coverage", tools, questions_file)
    rows = [cells(line) for line in lines(outcome)]
    assert ["direct edge", "50.0 %", "1", "0.0 %", "0"] in rows
    assert ["within 2 hops", "50.0 %", "1", "50.0 %", "1"] in rows
    assert ["What is in the shed?", "moon", "shed", "moon"] in rows
    assert outcome.err == "linking 2 questions to 10 entities\n"
    found = document(kglm("graph", "coverage", tools, questions_file, "--question-concept", "--json"))
    assert (found["question_source"], found["right"]["within"]["1"]) == ("question_concept", 1)


def test_diff(kglm, tools, triples_file, tmp_path):
    other = tmp_path / "other.tsv"
    rows = triples_file.read_text().replace("trowel\tUsedFor\tdig\t2.0", "trowel\tUsedFor\tdig\t3.0")
    other.write_text(rows + "rake\tUsedFor\tleaves\t1.0\n")
    found = document(kglm("graph", "diff", triples_file, other, "--json"))
    assert (found["entities"]["added"], found["triples"]["added"], found["triples"]["reweighted"]) == (2, 1, 1)
    text = [cells(line) for line in lines(kglm("graph", "diff", triples_file, other))]
    assert ["+ triple", "rake UsedFor leaves", "1"] in text
    assert ["~ weight", "trowel UsedFor dig", "2 → 3"] in text
    assert lines(kglm("graph", "diff", tools, tools))[-1] == "the graphs are the same"
    assert "aliases, descriptions or sources differ" in kglm("graph", "diff", tools, triples_file).out


def test_sparql(kglm, tools, tmp_path):
    statement = "?s rdf:subject :trowel ; rdf:predicate :UsedFor ; rdf:object ?x ; kglm:weight ?w"
    query = f"SELECT ?x ?w {{ GRAPH kglm:statements {{ {statement} }} }}"
    text = lines(kglm("graph", "sparql", tools, query))
    assert [cells(line) for line in text[2:]] == [["dig", "2"], [], ["1 row"]]
    assert lines(kglm("graph", "sparql", tools, query, "--no-statements")) == ["0 rows"]
    assert lines(kglm("graph", "sparql", tools, "ASK { :moon :HasA :crater }", "--no-keep")) == ["yes"]
    (tmp_path / "query.rq").write_text("SELECT ?x { ?x :UsedFor :dig } ORDER BY ?x")
    assert kglm("graph", "sparql", tools, "--file", "query.rq", "--csv").out.split() == ["x", "shovel", "trowel"]
    found = document(kglm("graph", "sparql", tools, "SELECT ?x { :moon :HasA ?x }", "--json"))
    assert found["results"]["bindings"][0]["x"]["type"] == "uri"


def test_export(kglm, tools, tmp_path):
    assert lines(kglm("graph", "export", tools, "all.tsv"))[0].startswith("wrote all.tsv, ")
    assert "trowel\tUsedFor\tdig\t2" in (tmp_path / "all.tsv").read_text()
    found = document(kglm("graph", "export", tools, "part.ttl", "--around", "moon", "--json"))
    assert (found["entities"], found["files"][0]["path"]) == (2, "part.ttl")
    assert "trowel" not in (tmp_path / "part.ttl").read_text()


def test_verify(kglm, tools, tmp_path):
    assert lines(kglm("graph", "verify", tools)) == [f"{tools} is sound"]
    assert document(kglm("graph", "verify", tools, "--json")) == {"folder": str(tools), "sound": True, "problems": []}


def test_a_damaged_graph_is_told(kglm, triples_file, tmp_path):
    assert kglm("graph", "build", triples_file, "graph").code == 0
    largest = max((tmp_path / "graph").glob("*.npy"), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[-1] ^= 0xFF
    largest.write_bytes(content)
    outcome = kglm("graph", "verify", "graph", "--json")
    assert outcome.code == 1
    found = json.loads(outcome.out)
    assert not found["sound"]
    assert found["problems"]


@pytest.mark.parametrize("command", ["stats", "neighbors"])
def test_a_recipe_by_name(kglm, command):
    arguments = ["trowel"] if command == "neighbors" else []
    assert "everyday" in lines(kglm("graph", command, "everyday", *arguments))[0]
