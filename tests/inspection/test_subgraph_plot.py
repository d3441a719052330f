import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread
from subgraphs import digging, hostile, make_subgraph, random_subgraph

from kglm.errors import ConfigError
from kglm.inspection.boxed_drawing import HEAD_LENGTH, BoxedDrawing
from kglm.inspection.dotted_drawing import DottedDrawing
from kglm.inspection.layout import lay_out_subgraph
from kglm.inspection.relation_style import relation_styles
from kglm.inspection.subgraph_plot import MOST_BOXES, plot_subgraph

SUBGRAPHS = {
    "digging": digging(),
    "hostile": hostile(),
    "nothing": make_subgraph([], []),
    "one": make_subgraph(["alone"], []),
    "many": random_subgraph(60, 130),
}


def drawing_of(subgraph, kind=BoxedDrawing):
    return kind(subgraph, lay_out_subgraph(subgraph), relation_styles(list(subgraph.relations)))


def words(path):
    return [element.text for element in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", SUBGRAPHS)
def test_boxes_and_names_do_not_overlap(name):
    drawing = drawing_of(SUBGRAPHS[name])
    every = [*drawing.boxes, *(box for box in drawing.named if box)]
    assert not [(a, b) for i, a in enumerate(every) for b in every[:i] if a.overlaps(b)]


def test_arcs_end_at_their_target_and_names_lie_on_them():
    drawing = drawing_of(SUBGRAPHS["digging"])
    index = {node.id: number for number, node in enumerate(drawing.subgraph.nodes)}
    for edge, arc, name in zip(drawing.subgraph.edges, drawing.arcs, drawing.named, strict=True):
        target = drawing.boxes[index[edge.target]]
        away = np.abs(arc.points[-1] - (target.x, target.y)) - np.array([target.width, target.height]) / 2
        assert away.max() < HEAD_LENGTH
        assert name is not None
        assert np.hypot(*(arc.points - (name.x, name.y)).T).min() < 1e-6


def test_labels_of_dots_do_not_overlap_and_those_asked_for_have_one():
    subgraph = random_subgraph(400, 900)
    drawing = drawing_of(subgraph, DottedDrawing)
    labels = [box for box in drawing.labels if box]
    assert not [(a, b) for i, a in enumerate(labels) for b in labels[:i] if a.overlaps(b)]
    asked = [box for node, box in zip(subgraph.nodes, drawing.labels, strict=True) if node.role != "other"]
    assert None not in asked
    assert 60 < len(labels) < 400


def test_dots_do_not_overlap():
    drawing = drawing_of(random_subgraph(300, 500), DottedDrawing)
    apart = np.hypot(*(drawing.centers[:, None] - drawing.centers[None]).T) + np.diag(np.full(300, np.inf))
    assert (apart > drawing.radii[:, None] + drawing.radii).all()


def test_a_svg_tells_all(tmp_path):
    plot_subgraph(digging(), tmp_path / "a.svg")
    text = " ".join(words(tmp_path / "a.svg"))
    for expected in ("between dig and trowel", "trowel", "used for", "UsedFor (1)", "AtLocation (2)", "(1)"):
        assert expected in text
    assert "4 of 9 nodes and 6 edges of the graph 'tiny'." in text


def test_many_nodes_are_dots_and_it_is_said_how_many_have_a_label(tmp_path):
    subgraph = random_subgraph(MOST_BOXES + 1, 100)
    plot_subgraph(subgraph, tmp_path / "a.svg")
    text = " ".join(words(tmp_path / "a.svg"))
    shown = sum(box is not None for box in drawing_of(subgraph, DottedDrawing).labels)
    assert f"Labels of {shown} of {MOST_BOXES + 1} nodes shown" in text


@pytest.mark.parametrize("name", SUBGRAPHS)
@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_every_subgraph_is_drawn(tmp_path, name, ending):
    with warnings.catch_warnings():
        warnings.simplefilter("error" if name != "hostile" else "ignore")
        plot_subgraph(SUBGRAPHS[name], tmp_path / f"a.{ending}")
    assert (tmp_path / f"a.{ending}").stat().st_size > 1000


def test_missing_characters_are_told_of_once(tmp_path):
    strange = make_subgraph(["\U00012345", "\U00012346"], [])
    with pytest.warns(UserWarning, match="no installed font has 2 of the characters") as caught:
        plot_subgraph(strange, tmp_path / "a.png")
    assert len(caught) == 1


def test_the_same_subgraph_gives_the_same_file(tmp_path):
    for name in ("a.png", "b.png", "a.svg", "b.svg"):
        plot_subgraph(digging(), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_the_margin_is_white(tmp_path):
    plot_subgraph(SUBGRAPHS["many"], tmp_path / "a.png")
    picture = imread(tmp_path / "a.png")
    for edge in (picture[:20], picture[-20:], picture[:, :20], picture[:, -20:]):
        assert (edge == 1).all()


def test_another_ending_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr("kglm.inspection.subgraph_plot.lay_out_subgraph", lambda *_, **__: 1 / 0)
    with pytest.raises(ConfigError, match=r"allowed endings: \.png, \.svg, \.pdf"):
        plot_subgraph(digging(), tmp_path / "a.gif")
