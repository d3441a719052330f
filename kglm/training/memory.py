"""The C library's allocator, told to keep what one step frees for the next."""

from __future__ import annotations

import ctypes
import platform

# Of malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_LARGEST = 2**31 - 1
_AT_ONCE = 64 * 2**20


def keep_freed_memory() -> bool:
    """Let this process, from now on, keep freed blocks instead of giving them back to the system.

    glibc maps each large block anew and unmaps it when freed, and the system fills every page with zeros each time: a
    third of a step's time on a CPU, where a batch of graphs needs hundreds of MB for a moment. The process's memory
    stays at its peak instead.

    Returns:
        Whether the C library took it; False where it is not glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    wishes = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _LARGEST), (_M_TOP_PAD, _AT_ONCE))
    mallopt = ctypes.CDLL(None).mallopt
    taken = [mallopt(name, value) == 1 for name, value in wishes]
    return all(taken)
