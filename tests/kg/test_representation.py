from html.parser import HTMLParser

from kglm.kg import Label, Triple
from kglm.kg.representation import ENTITIES_SHOWN, RELATIONS_SHOWN, graph_html


class Reader(HTMLParser):
    """Collects texts, and checks that every element is closed in order."""

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(html):
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_it_tells_name_sizes_relations_and_hubs(graph_of):
    graph = graph_of(
        Triple("dog", "IsA", "animal"), Triple("cat", "IsA", "animal"), Triple("dog", "Desires", "bone"), name="pets"
    )
    reader = read(graph_html(graph))
    assert reader.texts[0] == "pets"
    assert "4 entities, 2 relations, 3 triples, fingerprint " + graph.fingerprint[:12] in reader.texts
    at = reader.texts.index("IsA")
    assert reader.texts[at : at + 4] == ["IsA", "2", "Desires", "1"]
    assert reader.texts[-1] == "animal, dog, bone, cat"


def test_all_text_is_escaped(graph_of):
    evil = "<script>alert('x')</script>"
    graph = graph_of(Triple("a", evil, "b"), Label("a", evil, preferred=True), name=evil)
    html = graph_html(graph)
    assert "<script" not in html
    reader = read(html)
    assert "script" not in reader.tags
    assert reader.texts.count(evil) >= 2


def test_what_is_many_is_summed_up(graph_of):
    graph = graph_of(*(Triple("hub", f"r{number:02d}", f"e{number:02d}") for number in range(15)))
    texts = read(graph_html(graph)).texts
    assert f"{15 - RELATIONS_SHOWN} other relations" in texts
    assert texts[texts.index(f"{15 - RELATIONS_SHOWN} other relations") + 1] == str(15 - RELATIONS_SHOWN)
    assert len(texts[-1].split(", ")) == ENTITIES_SHOWN


def test_it_sets_no_colour_and_loads_nothing(graph_of):
    html = graph_html(graph_of(Triple("a", "r", "b")))
    assert "color" not in html
    assert "src=" not in html
    assert "href=" not in html
