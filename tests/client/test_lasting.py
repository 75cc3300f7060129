"""What a component serves in every session, asked for by several threads at once."""

from __future__ import annotations

import time
from typing import Any

from tests.client.scripted import soon
from wamplite.client.lasting import LastingTestament


class SomeSession:
    """A session that counts what it is asked; other threads run whenever its id is read."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.asked: list[Any] = []

    @property
    def id(self) -> int:
        time.sleep(0.01)
        return self._number

    def checked_options(self, kind: Any, options: Any) -> dict[str, Any]:
        return {}

    def call_result(self, procedure: str, args: Any, kwargs: Any) -> None:
        self.asked.append((procedure, args))


def test_a_testament_is_left_once_in_each_session_whoever_asks_for_it() -> None:
    testament = LastingTestament("com.will", ["gone"], {}, None, "destroyed")
    for session in (SomeSession(1), SomeSession(2)):
        for asking in [soon(testament, session) for _ in range(4)]:
            asking.result()
        assert session.asked == [("wamp.session.add_testament", ["com.will", ["gone"], {}])]
