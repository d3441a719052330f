import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from subgraphs import HOSTILE, digging, hostile, make_subgraph, random_subgraph

from kglm.errors import ConfigError
from kglm.inspection import page
from kglm.inspection.page import page_data, render_page, write_page
from kglm.kg.verbalization import verbalize_triple


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each script."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.title, self._into = [], [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "script":
            self.scripts.append("")
        self._into = tag

    def handle_endtag(self, tag):
        self._into = None

    def handle_data(self, data):
        if self._into == "script":
            self.scripts[-1] += data
        if self._into == "title":
            self.title += data


@pytest.fixture(scope="module")
def elements():
    return Elements(render_page(hostile()))


def test_no_label_becomes_an_element_or_code(elements):
    assert [tag for tag, _ in elements.elements].count("script") == 3
    assert not [tag for tag, _ in elements.elements if tag == "b"]
    assert elements.title == hostile().title
    assert [node["description"] for node in json.loads(elements.scripts[0])["nodes"]] == HOSTILE


def test_nothing_is_loaded(elements):
    for tag, attributes in elements.elements:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base"}
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in page._asset("page.css")
    assert "@import" not in page._asset("page.css")


def test_the_policy_permits_the_two_scripts_and_no_source(elements):
    policy = next(values["content"] for _, values in elements.elements if "http-equiv" in values)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert set(re.findall(r"'[^']+'", rules["script-src"])) == {
        f"'sha256-{page._digest(script)}'" for script in elements.scripts[1:]
    }
    assert not re.search(r"https?:|\*", policy)


def test_our_scripts_run_no_text_and_ask_no_network():
    script = page._script()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "fetch("):
        assert word not in script
    assert not re.search(r"XMLHttpRequest|WebSocket|importScripts|import\(", script)


def test_data_holds_all_of_the_subgraph():
    subgraph = digging()
    data = page_data(subgraph)
    assert [node["label"] for node in data["nodes"]] == [node.label for node in subgraph.nodes]
    places = {node.id: number for number, node in enumerate(subgraph.nodes)}
    triples = [(e["source"], data["relations"][e["relation"]]["name"], e["target"]) for e in data["edges"]]
    assert triples == [(places[e.source], e.relation, places[e.target]) for e in subgraph.edges]
    assert data["edges"][0]["weight"] == 0.5
    assert data["edges"][0]["by"] == "people"
    assert (data["total"], data["shown"]) == (9, 4)
    assert [relation["count"] for relation in data["relations"]] == list(subgraph.relations.values())


@pytest.mark.parametrize("relation", ["UsedFor", "bornIn", "{head}{tail}"])
def test_a_template_gives_the_sentence(relation):
    [entry] = page_data(make_subgraph(["a", "b"], [(0, 1, relation)]))["relations"]
    sentence = entry["template"].replace("\u0001", "trowel").replace("\u0002", "dig")
    assert sentence == verbalize_triple("trowel", relation, "dig")


def test_nodes_shown_at_first_do_not_depend_on_the_others():
    positions = np.array([(node["x"], node["y"]) for node in page_data(random_subgraph(120, 240), shown=30)["nodes"]])
    assert len(np.unique(positions, axis=0)) == 120
    assert np.isfinite(positions).all()


def test_the_same_subgraph_gives_the_same_file_and_its_size_is_told(tmp_path):
    size = write_page(digging(), tmp_path / "a.html")
    write_page(digging(), tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert size == (tmp_path / "a.html").stat().st_size
    assert 1_000_000 < size < 2_000_000


@pytest.mark.parametrize("labels", [[], ["alone"]])
def test_hardly_anything(tmp_path, labels):
    assert write_page(make_subgraph(labels, []), tmp_path / "a.htm") > 0


def test_a_failed_page_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "a.html"
    path.write_text("old")
    monkeypatch.setattr(page, "_library", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_page(digging(), path)
    assert path.read_text() == "old"


def test_what_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "folder.html").mkdir()
    for name, message in (
        ("a.png", r"allowed endings: \.html, \.htm"),
        ("no/a.html", "does not exist"),
        ("folder.html", "is a folder"),
    ):
        with pytest.raises(ConfigError, match=message):
            write_page(digging(), tmp_path / name)
    with pytest.raises(ConfigError, match="at least 1 node"):
        write_page(digging(), tmp_path / "a.html", shown=0)
