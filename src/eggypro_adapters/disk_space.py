"""Disk space of files that must stay writable on a full disk."""

import os
import sys


def allocate(file: int, size: int) -> None:
    """Reserve disk space for the first `size` bytes of an open file, which is extended to them.

    Raises OSError. Without this, a new file has no space, and writing to it may fail later.
    """
    if sys.platform == "darwin":  # has no such call
        os.ftruncate(file, max(size, os.fstat(file).st_size))
    else:
        os.posix_fallocate(file, 0, size)
