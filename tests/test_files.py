import errno
import json
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from kglm import files
from kglm.files import (
    atomic_directory,
    atomic_file,
    atomic_write_bytes,
    atomic_write_json,
    atomic_write_jsonl,
    atomic_write_text,
    recover_directory,
    remove_abandoned,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture(params=["exchange", "two renames"])
def either_rename(request, monkeypatch):
    if request.param == "two renames":
        monkeypatch.setattr(files, "_exchange", lambda first, second: False)


def test_text_is_written_as_utf8_into_new_folders(tmp_path):
    atomic_write_text(tmp_path / "a" / "b.txt", "Zürich\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "Zürich\n".encode()
    assert names(tmp_path / "a") == ["b.txt"]


def test_bytes_and_json_round_trip(tmp_path):
    atomic_write_bytes(tmp_path / "x.bin", b"\0\1")
    assert (tmp_path / "x.bin").read_bytes() == b"\0\1"
    atomic_write_json(tmp_path / "x.json", {"é": [1, None]})
    assert json.loads((tmp_path / "x.json").read_text()) == {"é": [1, None]}
    assert (tmp_path / "x.json").read_text().endswith("}\n")


def test_jsonl_takes_a_generator(tmp_path):
    atomic_write_jsonl(tmp_path / "x.jsonl", ({"i": i} for i in range(3)))
    assert (tmp_path / "x.jsonl").read_text() == '{"i": 0}\n{"i": 1}\n{"i": 2}\n'


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    atomic_write_text(tmp_path / "atomic", "")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failed_block_leaves_the_old_file_and_nothing_else(tmp_path):
    atomic_write_text(tmp_path / "x", "old")
    with pytest.raises(TypeError), atomic_file(tmp_path / "x") as handle:
        handle.writelines(["half", 1])
    assert (tmp_path / "x").read_text() == "old"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_json_cannot_say_is_refused_before_the_old_file_goes(tmp_path, value):
    atomic_write_json(tmp_path / "x", "old")
    with pytest.raises((TypeError, ValueError)):
        atomic_write_json(tmp_path / "x", value)
    with pytest.raises((TypeError, ValueError)):
        atomic_write_jsonl(tmp_path / "x", ["new", value])
    assert json.loads((tmp_path / "x").read_text()) == "old"
    assert names(tmp_path) == ["x"]


def test_an_unknown_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match="mode 'a' is not allowed"), atomic_file(tmp_path / "x", "a"):
        pass


@pytest.mark.usefixtures("either_rename")
def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for name in ("first", "second"):
        with atomic_directory(tmp_path / "in" / "folder") as new:
            (new / name).write_text(name)
    assert names(tmp_path / "in" / "folder") == ["second"]
    assert names(tmp_path / "in") == ["folder"]


@pytest.mark.usefixtures("either_rename")
def test_a_failed_block_leaves_the_old_folder_and_nothing_else(tmp_path):
    with atomic_directory(tmp_path / "folder") as new:
        (new / "old").write_text("old")
    with pytest.raises(FileNotFoundError), atomic_directory(tmp_path / "folder") as new:
        shutil.copy(tmp_path / "missing", new / "half")
    assert names(tmp_path / "folder") == ["old"]
    assert names(tmp_path) == ["folder"]


def test_a_folder_does_not_replace_a_file(tmp_path):
    (tmp_path / "x").write_text("file")
    with pytest.raises(NotADirectoryError, match="is a file"), atomic_directory(tmp_path / "x"):
        pass
    assert (tmp_path / "x").read_text() == "file"


def test_a_folder_set_aside_by_a_kill_is_put_back(tmp_path):
    (tmp_path / ".folder.old").mkdir()
    (tmp_path / ".folder.old" / "a").write_text("")
    recover_directory(tmp_path / "folder")
    assert names(tmp_path) == ["folder"]
    recover_directory(tmp_path / "folder")
    assert names(tmp_path / "folder") == ["a"]


def test_a_folder_set_aside_is_dropped_once_the_new_one_stands(tmp_path):
    (tmp_path / ".folder.old").mkdir()
    (tmp_path / "folder").mkdir()
    recover_directory(tmp_path / "folder")
    assert names(tmp_path) == ["folder"]


def test_leftovers_are_removed_and_only_they(tmp_path):
    for name in ("x", ".x.tmp", ".y.0123456789ab.tmp", ".x.0123456789ab.tmp"):
        (tmp_path / name).write_text("")
    (tmp_path / ".x.abcdefabcdef.tmp").mkdir()
    remove_abandoned(tmp_path / "x")
    assert names(tmp_path) == [".x.tmp", ".y.0123456789ab.tmp", "x"]
    remove_abandoned(tmp_path / "missing" / "x")


def _write_for_ever(folder: Path) -> None:
    for turn in range(10**9):
        with atomic_directory(folder) as new:
            for i in range(5):
                (new / str(i)).write_text(str(turn))


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_kill_at_any_moment_leaves_the_old_folder_or_the_new(tmp_path):
    folder = tmp_path / "folder"
    for attempt in range(5):
        process = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(folder,))
        process.start()
        while not folder.exists():
            time.sleep(0.001)
        time.sleep(0.011 * (attempt + 1))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        recover_directory(folder)
        assert len({(folder / str(i)).read_text() for i in range(5)}) == 1
        assert names(folder) == ["0", "1", "2", "3", "4"]


def test_a_folder_behind_a_link_is_replaced_and_the_link_kept(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_directory(tmp_path / "link") as folder:
        (folder / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert [entry.name for entry in (tmp_path / "real").iterdir()] == ["new"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "real"]


def test_what_another_is_writing_is_not_abandoned(tmp_path):
    with atomic_directory(tmp_path / "x") as folder:
        remove_abandoned(tmp_path / "x")
        assert folder.is_dir()
        (folder / "one").touch()
    assert [entry.name for entry in (tmp_path / "x").iterdir()] == ["one"]


@pytest.mark.parametrize("content", ["file", "nothing"])
def test_content_that_the_disk_did_not_take_replaces_nothing(tmp_path, monkeypatch, content):
    def write():
        with atomic_directory(tmp_path / "x") as folder:
            if content == "file":
                (folder / "new").touch()

    def fail(descriptor):
        raise OSError(errno.EIO, "the disk is broken")

    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "old").touch()
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="the disk is broken"):
        write()
    assert [entry.name for entry in (tmp_path / "x").iterdir()] == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


def test_a_file_system_that_cannot_sync_folders_is_let_be(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "fsync", fail)
    with atomic_directory(tmp_path / "x") as folder:
        (folder / "new").touch()
    assert (tmp_path / "x" / "new").is_file()
