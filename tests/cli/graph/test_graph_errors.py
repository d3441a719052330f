"""What a user can do wrong with ``kglm graph``: one paragraph on standard error, nothing on standard output."""

import pytest

BAD = [
    (
        "stats nowhere",
        1,
        "there is no graph 'nowhere'. Expected a folder made by `kglm graph build`, a source file, or",
    ),
    ("stats evryday", 1, "there is no graph 'evryday'; did you mean 'everyday'? Expected"),
    ("stats {empty}", 1, "the format of graph source '{empty}' cannot be told"),
    ("stats {damaged}", 1, "the manifest '{damaged}/manifest.json' cannot be read"),
    ("neighbors {tools} trowl", 1, "unknown entity 'trowl'; did you mean 'trowel'? (10 known)"),
    ("neighbors {tools} digger", 1, "'digger' may be any of 2 entities; name one of them:\n  shovel\n  spade"),
    ("neighbors {tools} trowel -r UsedFr", 1, "unknown relation 'UsedFr'; did you mean 'UsedFor'?"),
    ("neighbors {tools}", 2, "Missing argument 'ENTITY'"),
    ("neighbors {tools} trowel --direction up", 2, "'up' is not one of"),
    ("neighbors {tools} trowel --limit 0", 2, "Invalid value for '--limit'"),
    ("path {tools} trowel trowel", 1, "a path needs two different ends"),
    ("path {tools} trowel zzz", 1, "unknown entity 'zzz'"),
    ("path {tools} trowel zzz+zzz", 1, "no entity of graph 'tools' is named in 'zzz zzz'"),
    ("path {tools} trowel shed --hops 5", 2, "Invalid value for '--hops'"),
    ("subgraph {tools}", 2, "name one or more entities, or give --question and --choice"),
    ("subgraph {tools} trowel --question dig", 2, "--question and --choice belong together"),
    ("subgraph {tools} trowel --question dig --choice shed", 2, "name one or more entities, or give"),
    ("subgraph {tools} --question dig --choice shed --fanout 2", 2, "apply around entities only"),
    ("subgraph {tools} --question dig --choice dig", 1, "at least one concept each"),
    ("subgraph {tools} trowel --plot trowel.gif", 1, "allowed endings: .png, .svg, .pdf"),
    ("subgraph {tools} trowel --html nowhere/trowel.html", 1, "the folder 'nowhere' does not exist"),
    ("search {tools} a --substring --fuzzy", 2, "--substring and --fuzzy exclude each other"),
    ("search {tools} +", 2, "the text is blank"),
    ("coverage {tools} nowhere.jsonl", 1, "question file 'nowhere.jsonl' does not exist"),
    ("coverage {tools}", 2, "Missing argument 'QUESTIONS...'"),
    ("sparql {tools}", 2, "give either a query or --file"),
    ("sparql {tools} SELEC", 1, "the SPARQL query is malformed"),
    ("sparql {tools} SELEC --prefix x", 2, "'x' is not NAME=VALUE"),
    ("sparql {tools} --file nowhere.rq", 1, "SPARQL query 'nowhere.rq' does not exist"),
    ("export {tools} graph.doc", 1, "the ending of 'graph.doc' tells no export format"),
    ("export {tools} graph.ttl --format turtel", 1, "unknown export format 'turtel'; did you mean 'turtle'"),
    ("diff {tools} nowhere", 1, "there is no graph 'nowhere'"),
    ("verify nowhere", 1, "there is no graph 'nowhere'"),
    ("verify {uncompiled}", 1, "is not compiled yet"),
    ("build {source} out --format tvs", 1, "unknown graph format 'tvs'; did you mean 'tsv'"),
    ("build {source} out --format parquet", 1, "{source}"),
    (
        "build {source} out --relation-map nowhere.tsv",
        1,
        "relation map 'nowhere.tsv' does not exist. With kglm come:",
    ),
    ("build {source} out --normalization casefold", 1, "unknown normalization 'casefold'; did you mean 'casefold-1'"),
    ("build {source} out --language en", 1, "--language does not apply to the format 'tsv'"),
    ("build {source} out --column subject=0", 1, "columns has no role 'subject'"),
    ("build {source} out --column head", 2, "'head' is not NAME=VALUE"),
    ("build {source} out --option colums=3", 1, "has no option 'colums'; did you mean 'columns'"),
    ("build {source} out --merge-weights mean", 2, "'mean' is not one of"),
    ("build {broken} out --max-rejected 0", 1, "{broken}:1: "),
    ("build nowhere out", 1, "there is no graph 'nowhere'"),
    ("bild {source} out", 2, "No such command 'bild'"),
]


@pytest.fixture(scope="session")
def places(tmp_path_factory, tools, triples_file):
    folder = tmp_path_factory.mktemp("bad")
    (folder / "empty").mkdir()
    (folder / "damaged").mkdir()
    (folder / "damaged" / "manifest.json").write_text("{")
    (folder / "broken.tsv").write_text("broken\n")
    (folder / "uncompiled.tsv").write_text("a\tR\tb\n")
    return {
        "tools": tools,
        "source": triples_file,
        "empty": folder / "empty",
        "damaged": folder / "damaged",
        "broken": folder / "broken.tsv",
        "uncompiled": folder / "uncompiled.tsv",
    }


@pytest.mark.parametrize(("line", "code", "message"), BAD)
def test_refused(kglm, tmp_path, places, line, code, message):
    outcome = kglm("graph", *(part.replace("+", " ").format(**places) for part in line.split()))
    assert (outcome.code, outcome.out) == (code, ""), outcome.err
    told = " ".join(outcome.err.replace("│", " ").split())
    assert " ".join(message.format(**places).split()) in told
    assert "Traceback" not in outcome.err
    if code == 1:
        assert outcome.err.count("kglm: error: ") == 1
    assert list(tmp_path.iterdir()) == []
