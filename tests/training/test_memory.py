"""In a process of its own: the allocator cannot be told to forget."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import importlib.util, resource, sys
import numpy as np
spec = importlib.util.spec_from_file_location("memory", sys.argv[1])
memory = importlib.util.module_from_spec(spec)
spec.loader.exec_module(memory)

def new_pages(blocks=10, size=40 * 2**20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(blocks):
        np.empty(size, dtype=np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = new_pages()
kept = memory.keep_freed_memory()
new_pages(2)
print(first, kept, new_pages())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told")
def test_what_was_freed_is_used_again() -> None:
    from kglm.training import memory

    done = subprocess.run([sys.executable, "-c", SCRIPT, memory.__file__], capture_output=True, text=True, check=True)
    before, kept, after = done.stdout.split()
    assert kept == "True"
    assert int(after) < int(before) / 10
