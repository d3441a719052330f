"""Downloads against a local server that misbehaves in each way a server, a network or a disk can."""

import errno
import hashlib
import json
import multiprocessing
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from kglm.errors import DataError
from kglm.kg import checksum, http_transfer
from kglm.kg.checksum import UNKNOWN, Checksum, known_sha256, sha256_of, verify_checksum
from kglm.kg.download import download

CONTENT = hashlib.shake_256(b"a graph").digest(300_000)
OTHER = hashlib.shake_256(b"another version").digest(300_000)
RIGHT = Checksum(sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT))


class Faulty(BaseHTTPRequestHandler):
    """Serves ``server.content`` with the faults that the test put in ``server.faults``, one a request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        server = self.server
        server.requests.append(dict(self.headers))
        fault = server.faults.pop(0) if server.faults else None
        if callable(fault):
            fault(self)
            return
        self.serve(cut=fault)

    def serve(self, cut=None, ranges=True, content=None, headers=None, length=None):
        """Send the content from the start of the range asked for, but only ``cut`` bytes of it."""
        content = self.server.content if content is None else content
        given = {"ETag": '"' + hashlib.sha256(content).hexdigest()[:8] + '"'} if headers is None else headers
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        start = int(asked[1]) if asked and ranges and condition in {None, *given.values()} else 0
        if asked and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start if length is None else length))
        for name, value in given.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[start:] if cut is None else content[start : start + cut])
        if cut is not None:
            self.hang_up()

    def hang_up(self):
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    server.daemon_threads = True
    server.content, server.faults, server.requests, server.released = CONTENT, [], [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}/assertions.csv.gz"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(server, tmp_path):
    """A function that downloads without pauses; ``path`` stands as it was whenever it raises."""
    path = tmp_path / "downloads" / "assertions.csv.gz"

    def run(checksum=RIGHT, **options):
        before = path.read_bytes() if path.exists() else None
        try:
            return download(server.url, path, checksum, **{"backoff_s": 0.0, "timeout_s": 5.0, **options})
        except BaseException:
            assert (path.read_bytes() if path.exists() else None) == before
            raise

    run.path = path
    return run


def leftovers(fetch):
    return {path.name for path in fetch.path.parent.iterdir() if ".part" in path.name}


def ranges(server):
    return [request.get("Range") for request in server.requests]


def test_a_file_comes_whole_and_is_recorded(server, fetch):
    seen = []
    path = fetch(progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert leftovers(fetch) == set()
    lock = json.loads((path.parent / "assertions.csv.gz.lock.json").read_text())
    assert lock["url"] == server.url
    assert lock["sha256"] == RIGHT.sha256
    assert lock["bytes"] == len(CONTENT)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    fetch()
    assert len(server.requests) == 1, "a file that is there is not asked for again"


def test_a_connection_that_is_cut_is_resumed_where_it_stopped(server, fetch):
    server.faults = [100_000, 50_000, 0, 1]
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=100000-", "bytes=150000-", "bytes=150000-", "bytes=150001-"]
    assert all("If-Range" in request for request in server.requests[1:])


def test_a_download_is_resumed_by_a_later_call(server, fetch):
    server.faults = [100_000]
    with pytest.raises(DataError, match=r"ended after 100,000 of 300,000 bytes \(1 attempts.*100,000 bytes.*kept"):
        fetch(attempts=1)
    assert leftovers(fetch) == {"assertions.csv.gz.part", "assertions.csv.gz.part.json"}
    assert fetch().read_bytes() == CONTENT
    assert ranges(server)[1] == "bytes=100000-"


def test_it_gives_up_when_nothing_more_comes(server, fetch):
    server.faults = [10_000] + [0] * 20
    with pytest.raises(DataError, match="3 attempts in a row"):
        fetch(attempts=3)
    assert len(server.requests) == 1 + 2, "the attempt that brought something counts as the first of the row"


def test_a_server_that_ignores_ranges_is_read_from_the_start(server, fetch):
    server.faults = [100_000, lambda handler: handler.serve(ranges=False)]
    assert fetch().read_bytes() == CONTENT


def test_a_server_that_ignores_ranges_and_always_cuts_does_not_hold_us_for_ever(server, fetch):
    server.faults = [lambda handler: handler.serve(cut=90_000, ranges=False)] * 20
    with pytest.raises(DataError, match="4 attempts in a row"):
        fetch(attempts=4)


@pytest.mark.parametrize("expected", [RIGHT, Checksum(size=300_000), UNKNOWN], ids=["sha256", "size", "unknown"])
def test_a_file_that_changes_in_between_is_taken_anew(server, fetch, expected):
    server.content = OTHER
    server.faults = [100_000]
    with pytest.raises(DataError):
        fetch(expected, attempts=1)
    server.content = CONTENT
    assert fetch(expected).read_bytes() == CONTENT


@pytest.mark.parametrize("same_etag", [False, True], ids=["etag told", "nothing told"])
def test_parts_of_two_versions_are_never_joined(server, fetch, same_etag):
    """A server that answers 206 with another version, against If-Range."""
    headers = {"ETag": '"1"'} if same_etag else None
    server.faults = [
        lambda handler: handler.serve(cut=100_000, content=OTHER, headers=headers),
        lambda handler: handler.serve(content=CONTENT, headers=headers or {"ETag": handler.headers["If-Range"]}),
    ]
    assert fetch().read_bytes() == CONTENT
    assert ranges(server)[:2] == [None, "bytes=100000-"]
    assert len(server.requests) == 3


def test_a_206_of_another_etag_or_range_is_not_joined(server, fetch):
    def other_etag(handler):
        handler.headers.replace_header("If-Range", '"new"')
        handler.serve(headers={"ETag": '"new"'})

    def other_range(handler):
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 5-9/300000")
        handler.send_header("Content-Length", "5")
        handler.end_headers()
        handler.wfile.write(b"wrong")

    for fault in (other_etag, other_range):
        fetch.path.unlink(missing_ok=True)
        server.requests.clear()
        server.faults = [100_000, fault]
        assert fetch(UNKNOWN).read_bytes() == CONTENT
        assert ranges(server) == [None, "bytes=100000-", None]


def test_without_a_validator_only_a_checksum_lets_parts_be_joined(server, fetch):
    bare = [lambda handler: handler.serve(cut=100_000, headers={}), lambda handler: handler.serve(headers={})]
    server.faults = list(bare)
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=100000-"]
    fetch.path.unlink()
    (fetch.path.parent / "assertions.csv.gz.lock.json").unlink()
    server.requests.clear()
    server.faults = list(bare)
    assert fetch(UNKNOWN).read_bytes() == CONTENT
    assert ranges(server) == [None, None]


def test_a_weak_etag_is_no_validator_but_a_date_is(server, fetch):
    headers = {"ETag": 'W/"1"', "Last-Modified": "Tue, 01 Jan 2019 00:00:00 GMT"}
    server.faults = [
        lambda handler: handler.serve(cut=100_000, headers=headers),
        lambda handler: handler.serve(headers=headers),
    ]
    assert fetch(UNKNOWN).read_bytes() == CONTENT
    assert server.requests[1]["If-Range"] == headers["Last-Modified"]


def test_a_part_that_is_whole_already_needs_no_server(server, fetch):
    server.faults = [100_000]
    with pytest.raises(DataError):
        fetch(attempts=1)
    (fetch.path.parent / "assertions.csv.gz.part").write_bytes(CONTENT)
    assert fetch().read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_part_longer_than_the_file_is_thrown_away(server, fetch):
    server.faults = [100_000]
    with pytest.raises(DataError):
        fetch(attempts=1)
    (fetch.path.parent / "assertions.csv.gz.part").write_bytes(CONTENT + b"more")
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=300004-", None]


def test_a_part_of_another_url_is_thrown_away(server, fetch):
    server.faults = [100_000]
    with pytest.raises(DataError):
        fetch(attempts=1)
    server.url += "?version=2"
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == [None, None]


def test_a_wrong_checksum_is_told_and_nothing_is_kept(server, fetch):
    server.content = OTHER
    found = hashlib.sha256(OTHER).hexdigest()
    with pytest.raises(DataError, match=f"SHA-256 is {found}, expected {RIGHT.sha256}"):
        fetch()
    assert leftovers(fetch) == set()
    assert not fetch.path.exists()


@pytest.mark.parametrize("extra", [b"", b"more"], ids=["less", "more"])
def test_another_size_is_told_before_anything_is_read(server, fetch, extra):
    server.content = (CONTENT + extra) if extra else CONTENT[:-1]
    with pytest.raises(DataError, match=rf"it has {len(server.content):,} bytes, expected 300,000"):
        fetch()
    assert leftovers(fetch) == set()


def without_length(content, chunked=False, whole=True):
    """An answer whose end is the end of the connection, or of its chunks."""

    def answer(handler):
        handler.send_response(200)
        if chunked:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for at in range(0, len(content), 65_536):
            part = content[at : at + 65_536]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked and whole:
            handler.wfile.write(b"0\r\n\r\n")
        handler.hang_up()

    return answer


def test_more_than_expected_is_cut_off(server, fetch):
    server.faults = [without_length(CONTENT + b"more")] * 2
    with pytest.raises(DataError, match="sent more than the 300,000 bytes expected"):
        fetch(attempts=2)
    assert leftovers(fetch) == set()


def test_without_a_length_the_size_tells_what_is_missing(server, fetch):
    server.faults = [without_length(CONTENT[:-1])]
    assert fetch().read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_without_length_size_and_checksum_nobody_can_say_when_a_file_is_whole(server, fetch):
    server.faults = [without_length(CONTENT)]
    with pytest.raises(DataError, match="give its size or checksum"):
        fetch(UNKNOWN)


def test_chunks_tell_their_end(server, fetch):
    server.faults = [without_length(CONTENT, chunked=True, whole=False), without_length(CONTENT, chunked=True)]
    assert fetch(UNKNOWN).read_bytes() == CONTENT
    assert len(server.requests) == 2


def redirect_to(place):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", place)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_redirects_are_followed_also_when_resuming(server, fetch):
    server.faults = [redirect_to("/moved"), 100_000, redirect_to("/moved")]
    assert fetch().read_bytes() == CONTENT
    assert ranges(server) == [None, None, "bytes=100000-", "bytes=100000-"]


def test_redirects_without_end_are_refused(server, fetch):
    server.faults = [redirect_to("/moved")] * 50
    with pytest.raises(DataError, match="HTTP 302"):
        fetch()


@pytest.mark.parametrize("place", ["ftp://example.org/file", "file:///etc/passwd"])
def test_redirects_out_of_the_web_are_refused(server, fetch, place):
    server.faults = [redirect_to(place)]
    with pytest.raises(DataError):
        fetch()


def test_a_redirect_from_https_to_http_is_refused():
    handler = http_transfer._NoDowngrade()
    request = http_transfer.urllib.request.Request("https://example.org/file")
    with pytest.raises(DataError, match="not https"):
        handler.redirect_request(request, None, 302, "Found", {}, "http://example.org/file")
    assert handler.redirect_request(request, None, 302, "Found", {}, "https://example.org/other") is not None


def test_a_stalled_connection_is_given_up_and_resumed(server, fetch):
    def stall(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.send_header("ETag", '"' + hashlib.sha256(CONTENT).hexdigest()[:8] + '"')
        handler.end_headers()
        handler.wfile.write(CONTENT[:100_000])
        handler.wfile.flush()
        server.released.wait(20)

    server.faults = [stall]
    assert fetch(timeout_s=0.3).read_bytes() == CONTENT
    assert ranges(server)[1] == "bytes=100000-"


def status(code, **headers):
    def answer(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_a_server_that_is_busy_is_asked_again(server, fetch, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    server.faults = [status(503, Retry_After="7"), status(429, Retry_After="999"), status(500), status(502)]
    assert fetch(backoff_s=1.0).read_bytes() == CONTENT
    assert waits == [7.0, 60.0, 4.0, 8.0]


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_refusal_is_told_at_once(server, fetch, code):
    server.faults = [status(code)]
    with pytest.raises(DataError, match=f"assertions.csv.gz': HTTP {code} "):
        fetch()
    assert len(server.requests) == 1


def test_an_unreachable_server_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/file"
        with pytest.raises(DataError, match=r"no answer .*2 attempts in a row"):
            download(url, tmp_path / "file", attempts=2, backoff_s=0.0, timeout_s=1.0)
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "assertions.csv"])
def test_only_the_web_is_downloaded_from(url, tmp_path):
    with pytest.raises(DataError, match="expected a URL of http or https"):
        download(url, tmp_path / "file")


def test_a_full_disk_is_told_before_and_during_the_download(server, fetch, monkeypatch):
    with monkeypatch.context() as patch:
        usage = type("Usage", (), {"free": 1000})
        patch.setattr("shutil.disk_usage", lambda folder: usage)
        with pytest.raises(DataError, match="300,000 bytes are to come, but only 1,000 are free"):
            fetch()

    def full(answer):
        yield CONTENT[:1000]
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(http_transfer, "_chunks", full)
        with pytest.raises(DataError, match=r"the disk of .* is full"):
            fetch()
    assert fetch().read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=1000-"


def test_without_a_checksum_the_first_download_is_trusted_and_the_next_must_be_the_same(server, fetch, caplog):
    assert fetch(UNKNOWN).read_bytes() == CONTENT
    assert f"trusted SHA-256 {RIGHT.sha256}" in caplog.text
    fetch(UNKNOWN)
    assert len(server.requests) == 1
    fetch.path.unlink()
    server.content = OTHER
    with pytest.raises(DataError, match=r"lock.json'; delete that file"):
        fetch(UNKNOWN)
    (fetch.path.parent / "assertions.csv.gz.lock.json").unlink()
    assert fetch(UNKNOWN).read_bytes() == OTHER


def test_a_damaged_record_is_told(server, fetch):
    fetch(UNKNOWN)
    lock = fetch.path.parent / "assertions.csv.gz.lock.json"
    lock.write_text(json.dumps({"url": server.url, "sha256": "?"}))
    with pytest.raises(DataError, match="is damaged"):
        fetch(UNKNOWN)


def test_a_file_that_was_changed_on_the_disk_is_downloaded_anew(server, fetch, caplog):
    fetch()
    content = bytearray(CONTENT)
    content[1000] ^= 1
    fetch.path.write_bytes(bytes(content))
    assert fetch().read_bytes() == CONTENT
    assert "downloaded anew: its SHA-256" in caplog.text
    assert len(server.requests) == 2


def test_a_downloaded_file_is_known_unread_until_it_changes(server, fetch, monkeypatch):
    path = fetch()
    with monkeypatch.context() as patch:
        patch.setattr(checksum, "sha256_of", lambda path: pytest.fail("the file was read"))
        assert known_sha256(path) == RIGHT.sha256
    path.write_bytes(OTHER)
    assert known_sha256(path) == hashlib.sha256(OTHER).hexdigest()
    assert known_sha256(Path(__file__)) == sha256_of(Path(__file__))


def test_a_file_that_was_put_there_by_hand_is_taken_if_it_is_right(server, fetch):
    fetch.path.parent.mkdir()
    fetch.path.write_bytes(CONTENT)
    assert fetch().read_bytes() == CONTENT
    assert server.requests == []


def test_processes_wait_for_each_other(server, fetch):
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=fetch) for _ in range(4)]
    for process in both:
        process.start()
    for process in both:
        process.join(30)
    assert [process.exitcode for process in both] == [0] * 4
    assert fetch.path.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_checksum_says_what_is_wrong(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert verify_checksum(path, RIGHT) == path
    assert sha256_of(path) == RIGHT.sha256
    with pytest.raises(DataError, match="it has 300,000 bytes, expected 5"):
        verify_checksum(path, Checksum(size=5))
    with pytest.raises(DataError, match=f"SHA-256 is {RIGHT.sha256}, expected {'0' * 64}"):
        verify_checksum(path, Checksum(sha256="0" * 64))
    with pytest.raises(ValueError, match="64 lower-case hexadecimal digits"):
        Checksum(sha256="")
    assert Path(verify_checksum(str(path), UNKNOWN)) == path
