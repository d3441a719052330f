import re
import sys
import warnings
import xml.etree.ElementTree as ET
from itertools import combinations

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kglm.errors import ConfigError
from kglm.inspection import evidence_plot
from kglm.inspection.evidence_plot import check_plot_path, draw_answer, plot_answer

NAMES = ["digging", "crowded", "long labels", "one path", "no path", "no own path", "no attention"]


def svg_text(path):
    return " ".join("".join(element.itertext()) for element in ET.parse(path).iter() if element.tag.endswith("}text"))


@pytest.mark.parametrize("name", NAMES)
def test_no_two_texts_overlap_and_all_are_on_the_page(answers, name):
    figure = draw_answer(answers[name])
    figure.set_dpi(150)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in figure.axes[0].texts if text.get_text()]
    width, height = figure.bbox.size
    for text, box in boxes:
        assert box.x0 > 0, text
        assert box.y0 > 0, text
        assert box.x1 < width, text
        assert box.y1 < height, text
    # Lines of one label stand so close that a descender may reach an ascender's line: half a point is allowed.
    touching = [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]
    assert touching == []


def test_the_page_grows_with_the_content(answers):
    heights = [draw_answer(answers[name]).get_size_inches()[1] for name in ("no path", "one path", "crowded")]
    assert heights == sorted(heights)


@pytest.mark.parametrize(("ending", "magic"), [("png", b"\x89PNG\r\n\x1a\n"), ("PDF", b"%PDF-"), ("svg", b"<?xml")])
def test_files_are_of_the_kind_named_and_reproducible(answers, tmp_path, ending, magic):
    for name in ("one", "two"):
        plot_answer(answers["one path"], tmp_path / f"{name}.{ending}")
    content = (tmp_path / f"one.{ending}").read_bytes()
    assert content.startswith(magic)
    assert content == (tmp_path / f"two.{ending}").read_bytes()


def test_svg_holds_labels_relations_and_probabilities_as_text(digging, tmp_path):
    plot_answer(digging, tmp_path / "a.svg")
    text = svg_text(tmp_path / "a.svg")
    for label in ("plant flowers", "gardening", "trowel", "UsedFor", "← RelatedTo", "60.0%", "41.0%", "5 of 6 paths"):
        assert label in text
    assert "garden shed" not in text, "the sixth path is not drawn"


@pytest.mark.parametrize("name", NAMES)
def test_svg_is_xml_whatever_the_labels(answers, tmp_path, name):
    plot_answer(answers[name], tmp_path / "a.svg")
    assert answers[name].question.split()[0] in svg_text(tmp_path / "a.svg")


def test_signs_of_mathematics_and_markup_stay_as_they_are(long_labels, tmp_path):
    plot_answer(long_labels, tmp_path / "a.svg")
    text = svg_text(tmp_path / "a.svg")
    assert "$x^2$ & <b>1 < 2</b>" in text
    assert "$kost_en$" in text
    assert "$Used_For$" in text


def test_without_paths_the_note_says_so(answer_of, tmp_path):
    plot_answer(answer_of(["green", "blue"], notes=["the text alone decided."]), tmp_path / "a.svg")
    assert "Note: the text alone decided." in svg_text(tmp_path / "a.svg")
    plot_answer(answer_of(["green", "blue"]), tmp_path / "a.svg")
    assert "no path in the graph joins" in svg_text(tmp_path / "a.svg")


def test_without_a_path_to_the_predicted_choice_the_picture_says_so(answers, tmp_path):
    plot_answer(answers["no own path"], tmp_path / "a.svg")
    text = svg_text(tmp_path / "a.svg")
    assert "No path joins the question to the predicted choice A" in text
    assert "NotDesires" in text
    assert "evidence; width" not in text


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.png.gz"])
def test_another_ending_is_refused_with_the_allowed_ones(tmp_path, name):
    with pytest.raises(ConfigError, match=re.escape(".png, .svg, .pdf")):
        check_plot_path(tmp_path / name)


def test_a_missing_folder_is_refused(digging, tmp_path):
    for check in (check_plot_path, lambda path: plot_answer(digging, path)):
        with pytest.raises(ConfigError, match="nowhere' does not exist"):
            check(tmp_path / "nowhere" / "a.png")


def test_a_folder_is_not_a_picture(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        check_plot_path(tmp_path / "a.png")


def test_good_paths_pass(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("a.png", "A.SVG", tmp_path / "a.pdf"):
        check_plot_path(path)


def test_no_paths_at_all_cannot_be_asked_for(digging, tmp_path):
    with pytest.raises(ConfigError, match="max_paths is 0"):
        plot_answer(digging, tmp_path / "a.png", max_paths=0)


def test_a_failing_draw_leaves_the_old_file(digging, tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"old")
    monkeypatch.setattr(evidence_plot, "draw_answer", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        plot_answer(digging, tmp_path / "a.png")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.png", b"old")]


def test_matplotlib_is_left_as_it_was(digging, tmp_path):
    before = dict(matplotlib.rcParams)
    plot_answer(digging, tmp_path / "a.svg")
    assert dict(matplotlib.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not matplotlib.pyplot.get_fignums()


def test_characters_without_a_font_are_named_once(answer_of, tmp_path):
    answer = answer_of(["\U000f0000", "b"])
    with pytest.warns(UserWarning, match="no installed font has 1 of the characters") as caught:
        plot_answer(answer, tmp_path / "a.png")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_answer(answer, tmp_path / "a.svg")
