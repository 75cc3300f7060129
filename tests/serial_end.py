"""One end of a serial cable, spoken frame by frame: a board's firmware, or a router's."""

from __future__ import annotations

import json
import os
import select
import time
from typing import Any

from wamplite.transports.serial_frames import KEEP_ALIVE, RESET, Frame, Unframer, encode

PATIENCE = 10.0
HELLO = [1, "realm1", {"roles": {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}}]


class End:
    """Opens a port as a plain file, and sends and receives frames in JSON."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.unframer = Unframer(1 << 16)
        self._frames: list[Frame] = []

    def __enter__(self) -> End:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            select.select([], [self._file], [], PATIENCE)
            view = view[os.write(self._file, view) :]

    def send(self, number: int, *array: Any, flags: int = 0) -> None:
        """Send a message within a session."""
        self.write(encode(1 | number << 4 | flags, json.dumps(array).encode()))

    def keep_alive(self, number: int) -> None:
        self.write(encode(KEEP_ALIVE | number << 4))

    def reset(self) -> None:
        self.write(encode(RESET))

    def hello(self, number: int, roles: dict[str, Any] | None = None) -> None:
        """Begin a session."""
        self.send(number, 1, "realm1", {"roles": roles or HELLO[2]["roles"]}, flags=RESET)  # type: ignore[index]

    def join(self, number: int, roles: dict[str, Any] | None = None) -> list[Any]:
        """Begin a session and return its WELCOME; what comes of an older one is skipped."""
        self.hello(number, roles)
        while (frame := self.any_message()) and frame.header != 1 | number << 4:
            pass
        assert frame is not None, "no message came"
        welcome: list[Any] = json.loads(frame.message)
        assert welcome[0] == 2, welcome
        return welcome

    def frame(self, seconds: float = PATIENCE) -> Frame | None:
        """Return the next frame, None when none comes in time."""
        deadline = time.monotonic() + seconds
        while not self._frames:
            rest = deadline - time.monotonic()
            if rest <= 0 or not select.select([self._file], [], [], rest)[0]:
                return None
            self._frames += self.unframer.feed(os.read(self._file, 4096))
        return self._frames.pop(0)

    def message(self, number: int, seconds: float = PATIENCE) -> list[Any]:
        """Return the next message, which must be of this session; keep-alives are skipped."""
        while frame := self.frame(seconds):
            if not frame.header & KEEP_ALIVE:
                assert frame.header == 1 | number << 4, frame
                array: list[Any] = json.loads(frame.message)
                return array
        raise TimeoutError("no message came")

    def any_message(self, seconds: float = PATIENCE) -> Frame | None:
        """Return the next frame that is no keep-alive."""
        while (frame := self.frame(seconds)) and frame.header & KEEP_ALIVE:
            pass
        return frame
