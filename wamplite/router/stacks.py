"""Threads with a stack of a size of their own: the setting for it is the whole process's."""

from __future__ import annotations

import threading

from ..locks import Lock

_starting = Lock()  # guards threading.stack_size


def start(thread: threading.Thread, stack_size: int) -> None:
    """Start a thread with so many bytes of stack; RuntimeError, MemoryError where it cannot be."""
    with _starting:
        before = threading.stack_size(stack_size)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
