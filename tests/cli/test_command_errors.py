"""What a user can do wrong: one paragraph on standard error, exit code 1 or 2, and nothing left behind."""

import json

import pytest

from kglm.kg import GraphRecipe

ELEVEN = [part for number in range(11) for part in ("-c", f"choice {number}")]
GRAPH = "task=files task.train={train} task.dev={dev} task.test={test} reasoner=kagnet graph=file graph.source="


def question(name, stem, texts=("knife", "saw")):
    choices = [{"label": "AB"[index], "text": text} for index, text in enumerate(texts)]
    return json.dumps({"id": name, "answerKey": "A", "question": {"stem": stem, "choices": choices}})


@pytest.fixture(scope="session")
def places(tmp_path_factory, trained, tiny_encoder):
    """Names of files and folders, good and bad, for the commands below."""
    folder = tmp_path_factory.mktemp("places")
    contents = {
        "train": question("1", "what cuts wood?"),
        "dev": question("2", "what cuts bread?"),
        "test": question("3", "what cuts paper?"),
        "not_json": question("1", "what cuts wood?") + '\n{"id": 3',
        "one_choice": question("1", "what cuts wood?", ["saw"]),
        "no_question": "",
        "triples": "knife\tUsedFor\tcut bread\nsaw\tUsedFor\tcut wood\n",
        "broken": "knife\tUsedFor\tcut bread\nbroken\nbroken too\n",
        "all_broken": "broken\n",
        "not_turtle": "this is not turtle",
        "no_header": "a\tb\n",
    }
    endings = {"triples": "tsv", "broken": "tsv", "all_broken": "tsv", "not_turtle": "ttl", "no_header": "tsv"}
    found = {"model": trained, "encoder": tiny_encoder, "folder": folder, "missing": folder / "missing.tsv"}
    for name, text in contents.items():
        found[name] = folder / f"{name}.{endings.get(name, 'jsonl')}"
        found[name].write_text(text, encoding="utf-8")
    found["binary"] = folder / "binary.jsonl"
    found["binary"].write_bytes(b"\xff\xfe\x00")
    found["other_graph"] = folder / "graph"
    GraphRecipe(name="other", source=str(found["triples"])).compile(found["other_graph"])
    return found


def assert_refused(outcome, code, message):
    assert outcome.code == code
    assert outcome.out == ""
    if code == 1:
        last = outcome.err.rpartition("kglm: error: ")
        assert outcome.err.count("kglm: error: ") == 1
        assert message in last[2]
        assert "\n\n" not in last[2]
        assert all(line[2] == ":" == line[5] for line in last[0].splitlines()), outcome.err  # log lines with times
    else:
        assert message in outcome.err


def left_in(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


TRAIN = [
    ("experiment=everyday_kagnett", "unknown experiment 'everyday_kagnett'; did you mean 'everyday_kagnet'"),
    ("graph=conceptnett", "unknown graph 'conceptnett'; did you mean 'conceptnet' or 'conceptnet5'? ("),
    ("encoder=bert", "unknown encoder 'bert'; did you mean 'bert_base'?"),
    ("trainer.max_step=3", "no 'trainer.max_step'; did you mean 'trainer.max_steps'"),
    ("unheard=1", "the configuration of `kglm train` has no 'unheard'"),
    ("+unheard=1", "the configuration has no 'unheard' (keys: stage, name, seed,"),
    ("+trainer.unheard=1", "trainer has no field 'unheard' (fields: seed, max_epochs,"),
    ("+graph.unheard=1", "graph has no field 'unheard'"),
    ("+task.unheard=1", "task has no field 'unheard' (fields: name, train, dev, test, dev_size)"),
    ("+encoder.options.attention_drop=0", "has no option 'attention_drop'"),
    ("reasoner=kagnet +reasoner.options.pathdim=1", "kagnet has no field 'pathdim'; did you mean 'path_dim'"),
    ("reasoner.name=kagnett", "reasoner.name is 'kagnett'; did you mean 'kagnet'?"),
    ("~graph", "graph is missing"),
    ("~seed", "seed is missing"),
    ("~trainer.betas +trainer.beta=3", "trainer has no field 'beta'; did you mean 'betas'?"),
    ("trainer=3", "Config group override must be a string or a list. Got int"),
    ("trainer.max_steps=[1", "the override 'trainer.max_steps=[1' cannot be read"),
    ("trainer.max_steps", "the override 'trainer.max_steps' cannot be read"),
    ("trainer.max_steps=x", "trainer.max_steps is 'x'; allowed: a whole number or null"),
    ("trainer.max_steps=0", "max_steps is 0; allowed: none, or an integer of at least 1"),
    (
        "trainer.schedule=linea",
        "schedule is 'linea'; allowed: 'linear', 'cosine', 'constant'; did you mean 'linear'?",
    ),
    ("trainer.selection_metric=f1", "unknown selection_metric 'f1' (2 known: accuracy, loss)"),
    ("seed=x", "seed is 'x'; allowed: a whole number of at least 0"),
    ("seed=0,1", "Ambiguous value for argument 'seed=0,1'"),
    ("name=null", "name is None; allowed: text"),
    ("max_length=4", "max_length is 4; allowed: a whole number of at least 8"),
    ("max_length=1000", "max_length is 1000; allowed with this encoder: at most 256 tokens"),
    ("workers=0", "workers is 0; allowed: a number of threads of at least 1, or the address of a Dask scheduler"),
    ("workers=dask", "workers is 'dask'; allowed: a number of threads of at least 1, or the address of a Dask"),
    ("report_splits=dev", "report_splits is 'dev'; allowed: a list of train, dev, test"),
    ("report_splits=[validation]", "unknown split 'validation' (3 known: train, dev, test)"),
    ("linker.max_words=x", "linker.max_words is 'x'; allowed: a whole number"),
    ("reasoner=kagnet reasoner.schema.max_hops=5", "max_hops is 5, expected 1 to 4"),
    ("reasoner=kagnet reasoner.options=3", "reasoner.options is 3; allowed: a group of values"),
    ("encoder.options=3", "encoder.options is 3; allowed: a group of values"),
    ("encoder.name=null", "encoder.name is None; allowed: text"),
    ("encoder.name={folder}", "cannot be loaded"),
    ("task.kind=quiz", "unknown kind of task 'quiz' (4 known: commonsense_qa, hub, jsonl, synthetic)"),
    ("task=csqa task.dev_size=x", "task.dev_size is 'x'; allowed: a whole number"),
    ("task=csqa", "task dev_size is 500, expected less than the 36 training questions"),
    (
        "task=csqa paths.data_dir=/nowhere",
        "question file '/nowhere/commonsense_qa/train_rand_split.jsonl.gz' does not",
    ),
    ("task=files", "task.dev has no value; give it one with task.dev=..."),
    ("task=files task.train={missing} task.dev={dev} task.test={test}", "question file '{missing}' does not exist"),
    ("task=files task.train={not_json} task.dev={dev} task.test={test}", "{not_json}:2: not JSON"),
    ("task=files task.train={one_choice} task.dev={dev} task.test={test}", "{one_choice}:1: 1 choice(s), expected 2"),
    (
        "task=files task.train={dev} task.dev={dev} task.test={test}",
        "every training question stands in dev or test too",
    ),
    ("reasoner=kagnet graph.relation_map={missing}", "relation map '{missing}' does not exist"),
    ("reasoner=kagnet graph.relation_map={no_header}", "{no_header}:1: the header is ['a', 'b'], expected"),
    ("reasoner=kagnet graph.format=rfd", "unknown graph format 'rfd'; did you mean 'rdf'? (12 known)"),
    ("reasoner=kagnet graph=file", "graph.source has no value; give it one with graph.source=..."),
    (GRAPH + "{missing}", "graph source '{missing}' does not exist"),
    (GRAPH + "{not_turtle}", "{not_turtle}:1: not Turtle"),
    (GRAPH + "{dev}", "the format of graph source '{dev}' cannot be told; expected"),
    (GRAPH + "{encoder}", "the format of graph source '{encoder}' cannot be told; expected"),
    (GRAPH + "{broken} graph.max_rejected=1", "2 lines of '{broken}' cannot be used, more than the limit of 1"),
    ("run_dir={dev}", "File exists: '{dev}'"),
    ("facts=retrived", "unknown facts 'retrived'; did you mean 'retrieved'?"),
    ("facts=graph facts.source=web", "unknown facts source 'web' (3 known: graph, retrieved, all)"),
    (
        "facts=graph facts.control=noise",
        "unknown facts control 'noise'; did you mean 'none'? (2 known: none, random)",
    ),
    ("facts=graph +facts.speed=1", "facts has no field 'speed'"),
    ("facts=retrieved facts.corpora.genericskb.mode=sparse", "unknown mode of a facts corpus 'sparse' (4 known:"),
    ("facts=retrieved +facts.corpora.genericskb.speed=1", "facts.corpora.genericskb has no field 'speed'"),
    ("facts=retrieved facts.corpora.genericskb.path=null", "facts.corpora.genericskb.path is missing"),
    ("facts=retrieved facts.corpora.genericskb.path={missing}", "corpus of facts '{missing}' does not exist"),
    ("facts=retrieved facts/corpora=[]", "facts source is 'retrieved', but there are no corpora"),
    (
        "facts=graph facts.question_concept=true task=files task.train={train} task.dev={dev} task.test={test}",
        "question '1' has no question_concept, which this model's facts start from",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), TRAIN)
def test_train_refuses(kglm, tmp_path, places, quick, arguments, message):
    arguments = arguments.format(**places).split()
    outcome = kglm("train", *quick, "run_dir=run", *arguments)
    assert_refused(outcome, 1, message.format(**places))
    assert left_in(tmp_path) == []


def test_a_graph_of_malformed_lines_only_shows_them(kglm, places, quick):
    outcome = kglm("train", *quick, *(GRAPH + "{all_broken}").format(**places).split())
    assert outcome.code == 1
    assert f"{places['all_broken']}:1: 1 tab-separated columns" in outcome.err
    assert outcome.err.splitlines()[-1] == "kglm: error: the source of graph 'my-graph' holds no triple"


EVALUATE = [
    ("", "model has no value; give it one with model=..."),
    ("model=nowhere", "no run that tells its task is at 'nowhere'; name the folder of a run, or a task with task="),
    ("model={encoder}", "no run that tells its task is at '{encoder}'"),
    (
        "model=nowhere task=everyday_qa",
        "model 'nowhere' does not exist; expected the folder of a finished `kglm train` run",
    ),
    ("model={encoder} task=everyday_qa", "model '{encoder}' holds no model bundle"),
    ("model=3", "model is 3; allowed: text"),
    ("model=null", "model is None; allowed: text"),
    ("model={model} encoder=minilm", "an encoder is named; with encoder=..., model=null"),
    ("model=null encoder=minilm", "an untrained encoder takes in no graph and has no task; name one with task="),
    ("model=null encoder=hub encoder.name={folder} task=everyday_qa", "cannot be loaded"),
    ("evaluation=faithfulness model={model} draws=9", "draws is 9; allowed: 1 to 8"),
    ("evaluation=faithfulness model={model} draws=few", "draws is 'few'; allowed: a whole number of at least 1"),
    ("model={model} split=validation", "unknown split 'validation' (3 known: train, dev, test)"),
    ("model={model} split=null", "unknown split 'None'"),
    ("model={model} task=quiz", "unknown task 'quiz' ("),
    ("model={model} task=everyday_qa task.kind=quiz", "unknown kind of task 'quiz'"),
    ("model={model} batch_size=0", "batch_size is 0; allowed: a whole number of at least 1"),
    ("model={model} batchsize=1", "has no 'batchsize'; did you mean 'batch_size'?"),
    ("model={model} +unheard=1", "the configuration has no 'unheard'"),
    ("model={model} graph={other_graph}", "has no 'graph'; did you mean 'graph_dir'?"),
    ("model={model} graph_dir=nowhere", "'nowhere' holds no compiled graph"),
    ("model={model} graph_dir={other_graph}", "was made on the graph with fingerprint"),
    ("model={model} predictions={folder}", "file for predictions '{folder}' is a folder"),
]


@pytest.mark.parametrize(("arguments", "message"), EVALUATE)
def test_evaluate_refuses(kglm, tmp_path, places, arguments, message):
    outcome = kglm("evaluate", *arguments.format(**places).split())
    assert_refused(outcome, 1, message.format(**places))
    assert left_in(tmp_path) == []


def test_evaluate_takes_the_same_graph_from_elsewhere(kglm, trained, compiled):
    arguments = ("evaluate", f"model={trained}", "task=csqa", "task.dev_size=8")
    assert kglm(*arguments, f"graph_dir={compiled}") == kglm(*arguments)


TWO = ["-c", "knife", "-c", "saw", "--model", "{model}"]
ANSWER = [
    (["what cuts?", "-c", "knife", "-c", "saw", "--model", "nowhere"], 1, "model 'nowhere' does not exist"),
    (["what cuts?", "-c", "knife", "-c", "saw", "--model", "{dev}"], 1, "does not exist"),
    (["what cuts?", *TWO, "--graph", "nowhere"], 1, "'nowhere' holds no compiled graph"),
    (["what cuts?", *TWO, "--graph", "{other_graph}"], 1, "was made on the graph with fingerprint"),
    (["what cuts?", "-c", "knife", "--model", "{model}"], 1, "1 choice(s), expected 2 to 10"),
    (["what cuts?", *ELEVEN, "--model", "{model}"], 1, "11 choice(s), expected 2 to 10"),
    (["what cuts?", *TWO, "-c", " "], 1, "choice 3 is empty"),
    (["what cuts?", *TWO, "-c", "Knife"], 1, "choice 'knife' stands twice"),
    (["what \udcff cuts?", *TWO], 1, "is not valid Unicode text"),
    (["what cuts?", *TWO, "-c", "\udcff"], 1, "is not valid Unicode text"),
    (["", *TWO], 1, "the question is empty"),
    ([" \n", *TWO], 1, "the question is empty"),
    (["what cuts?", *TWO, "--plot", "plot.gif"], 1, "allowed endings: .png, .svg, .pdf"),
    (["what cuts?", *TWO, "--plot", "nowhere/plot.png"], 1, "the folder 'nowhere' does not exist"),
    (["what cuts?", "--model", "{model}"], 2, "Missing option '--choice'"),
    (["what cuts?", "-c", "knife", "-c", "saw"], 2, "Missing option '--model'"),
    (["what cuts?", *TWO, "--paths", "0"], 2, "Invalid value for '--paths'"),
    (["what cuts?", *TWO, "--unheard"], 2, "No such option"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), ANSWER)
def test_answer_refuses(kglm, tmp_path, places, arguments, code, message):
    outcome = kglm("answer", *(argument.format(**places) for argument in arguments))
    assert_refused(outcome, code, message)
    assert left_in(tmp_path) == []


PREDICT = [
    ("{missing} out.jsonl --model {model}", 1, "question file '{missing}' does not exist"),
    ("{folder} out.jsonl --model {model}", 1, "question file '{folder}' is a folder, not a file"),
    ("{not_json} out.jsonl --model {model}", 1, "{not_json}:2: not JSON"),
    ("{one_choice} out.jsonl --model {model}", 1, "{one_choice}:1: 1 choice(s), expected 2 to 10"),
    ("{binary} out.jsonl --model {model}", 1, "{binary}:1: not UTF-8 text"),
    ("{no_question} out.jsonl --model {model}", 1, "'{no_question}' holds no question; expected one a line"),
    ("{dev} out.jsonl --model nowhere", 1, "model 'nowhere' does not exist"),
    ("{dev} out.jsonl --model {model} --graph {other_graph}", 1, "was made on the graph with fingerprint"),
    ("{dev} {folder} --model {model}", 1, "file for the answers '{folder}' is a folder"),
    ("{dev} {dev}/out.jsonl --model {model}", 1, "'{dev}' is a file, not a folder"),
    ("{dev} out.jsonl --model {model} --batch-size 0", 2, "Invalid value for '--batch-size'"),
    ("{dev}", 2, "Missing argument"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), PREDICT)
def test_predict_refuses(kglm, tmp_path, places, arguments, code, message):
    outcome = kglm("predict", *arguments.format(**places).split())
    assert_refused(outcome, code, message.format(**places))
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "message"), [(["anser"], "No such command 'anser'"), (["train", "--hlp"], "--hlp")]
)
def test_usage_errors_name_the_program(kglm, arguments, message):
    outcome = kglm(*arguments)
    assert_refused(outcome, 2, message)
    assert outcome.err.lower().startswith("usage: kglm")
