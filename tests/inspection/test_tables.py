import io

import pytest
from rich.text import Text

from kglm.inspection.tables import heading, number, pairs, printable, share, show, shown_of, size, table


class Terminal(io.StringIO):
    """A terminal that knows colours."""

    def isatty(self):
        return True


def printed(*blocks, file=None):
    file = file or io.StringIO()
    show(*blocks, file=file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1234567, "1,234,567"), (2.0, "2"), (0.25, "0.25"), (1e-7, "1e-07"), (1234.56, "1,234.6"),
        (3.14159, "3.142"), (None, "–"), (-3, "-3"), (float("inf"), "inf"), (float("nan"), "nan"), (1e300, "1e+300"),
    ],
)  # fmt: skip
def test_number(value, text):
    assert number(value) == text


def test_share_and_size_and_shown_of():
    assert (share(1, 3), share(0, 0)) == ("33.3 %", "–")
    assert [size(count) for count in (0, 999, 1000, 4_900_000, 3e12)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "4.9 MB",
        "3,000.0 GB",
    ]
    assert shown_of(20, 1234, "triples") == "showing 20 of 1,234 triples"
    assert shown_of(3, 3, "triples") == ""


def test_printable_keeps_a_cell_on_its_line_and_the_terminal_as_it_is():
    assert printable("a\tb\nc\x1b[31m") == "a b c\\x1b[31m"
    assert printable("naïve 犬 😀") == "naïve 犬 😀"


def test_a_pipe_gets_whole_lines_without_colours():
    long = "x" * 300
    text = printed(heading("graph", "quiet"), table(["name", ">count"], [[long, 1], ["[bold]b[/]", 20]]))
    assert "\x1b" not in text
    assert text.splitlines() == [
        "graph  quiet", "", "name" + " " * 299 + "count", "─" * 308, long + " " * 7 + "1",
        "[bold]b[/]" + " " * 296 + "20",
    ]  # fmt: skip


def test_a_terminal_folds_cells_and_cuts_nothing(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    long = "".join(chr(ord("a") + at % 26) for at in range(120))
    text = printed(table(["name", "other"], [[long, "b"]]), file=Terminal())
    plain = Text.from_ansi(text).plain
    assert all(len(line) <= 40 for line in plain.splitlines())
    assert "".join(line.partition(" ")[0] for line in plain.splitlines()[2:]) == long
    assert "…" not in plain
    assert "\x1b[" in text


def test_a_terminal_that_knows_no_arrows_gets_question_marks():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show("a → b", file=file)
    file.seek(0)
    assert file.read() == "a ? b\n"


def test_pairs_have_no_headings():
    assert printed(pairs([("entities", 3), ("name", ":smile:")])) == "entities  3\nname      :smile:\n"


def test_a_sentence_keeps_its_own_lines():
    assert printed("one\ntwo") == "one\ntwo\n"
