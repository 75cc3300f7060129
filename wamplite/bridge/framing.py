"""Bytes in, frames out: where one line of a serial device ends and the next begins.

A line ends at LF or CRLF. A stream in which no LF has come yet may be a device that ends its lines
with CR alone, so until the first LF a CR ends a line too; after it, a CR is a byte like others
(binary between text holds some). A line longer than the bound is dropped whole, and after it
nothing is taken for granted: the next CR or LF ends it. Lines of white space alone are no frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

__all__ = ["FRAMINGS", "MAX_BYTES", "Framing", "Lines"]

MAX_BYTES = 4096

_CR_OR_LF = re.compile(rb"[\r\n]")
_LF = re.compile(rb"\n")


class Framing(Protocol):
    """Cuts a stream into frames; `overlong` counts what was dropped for its length."""

    overlong: int

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was read and return the frames that it completed."""
        ...

    def reset(self) -> bool:
        """Forget what is unfinished (the line was cut); True when that was something."""
        ...


class Lines:
    """Lines of at most `max_bytes` (and a CR), ended by LF, CRLF or CR."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.overlong = 0
        self._start_over()

    def _start_over(self) -> None:
        self._rest = b""
        self._end = _CR_OR_LF
        self._dropping = False

    def reset(self) -> bool:
        cut = bool(self._rest.strip())
        self._start_over()
        return cut

    def feed(self, data: bytes) -> list[bytes]:
        buffer = self._rest + data
        frames: list[bytes] = []
        start = 0
        while True:
            match = self._end.search(buffer, start)
            end = match.start() if match else len(buffer)
            if not self._dropping and end - start > self.max_bytes + 1:
                start += self.max_bytes + 2
                self._drop()
                continue
            if match is None:
                break
            line = buffer[start:end]
            if line.strip() and not self._dropping:
                frames.append(line)
            self._dropping = False
            if match[0] == b"\n":
                self._end = _LF
            start = end + 1
        self._rest = b"" if self._dropping else buffer[start:]
        return frames

    def _drop(self) -> None:
        self.overlong += 1
        self._dropping = True
        self._end = _CR_OR_LF


FRAMINGS: dict[str, Callable[[], Framing]] = {"lines": Lines}
