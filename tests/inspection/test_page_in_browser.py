"""The page in a real browser: one start of headless Chromium, with no network, from ``file://``."""

import re
import shutil
import subprocess

import pytest
from subgraphs import hostile, make_subgraph

from kglm.inspection.page import write_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --host-resolver-rules=MAP\t*\t~NOTFOUND --enable-logging=stderr "
    "--virtual-time-budget=8000 --window-size=1200,800 --dump-dom"
).split(" ")


@pytest.fixture(scope="module")
def open_page(tmp_path_factory):
    """A function that writes a page, opens it at an address and returns its DOM as text and the browser's log."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip(f"no browser is installed (looked for {', '.join(BROWSERS)})")
    folder = tmp_path_factory.mktemp("browser")

    def open_at(subgraph, hash_, **options):
        write_page(subgraph, folder / "page.html", **options)
        flags = [flag.replace("\t", " ") for flag in FLAGS]
        command = [browser, *flags, f"--user-data-dir={folder / 'profile'}", f"file://{folder}/page.html{hash_}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return done.stdout, done.stderr

    return open_at


def text_of(dom, element_id):
    return re.sub(r"<[^>]+>", "", re.search(rf'id="{element_id}"[^>]*>(.*?)</', dom, re.DOTALL)[1])


def test_a_link_to_a_view_restores_it_whatever_the_labels_hold(open_page):
    labels = [node.label for node in hostile().nodes]
    edges = [(0, number, "IsA" if number % 2 else "HasA") for number in range(1, len(labels))]
    subgraph = make_subgraph(labels, [*edges, (1, 0, "UsedFor")], title="hostile")
    dom, log = open_page(subgraph, "#more=4&less=3&off=HasA&edge=0&theme=dark", shown=4)
    assert 'data-ready="true"' in dom
    assert "Uncaught" not in log
    assert "Content Security Policy" not in log
    assert re.search(r"<title>hostile</title>", dom)
    # Of the first four nodes one is hidden and a fifth shown; of their four edges the HasA ones are hidden.
    assert text_of(dom, "count") == "Showing 4 of 10 nodes and 2 of 10 edges"
    assert 'data-theme="dark"' in dom
    assert re.search(r'<blockquote[^>]*>"?.*is a kind of', dom)
    assert "people" in dom
    assert re.findall(r'<button aria-pressed="false"[^>]*title="(\w+)', dom) == ["HasA"]
