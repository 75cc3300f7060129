"""What a component serves in every session, asked for by several threads at once."""

from __future__ import annotations

import threading
import time
from typing import Any

import wamplite
from tests.client.scripted import PATIENCE, soon
from tests.waiting import until
from wamplite.client.lasting import LastingTestament
from wamplite.locks import Latch


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


class BetweenLooks(wamplite.Component):
    """A component that joins, if it can, while a thread looks whether there is a session."""

    joined: Latch | None = None
    _current: Any = None

    @property
    def session(self) -> Any:
        current = self._current
        if self.joined is None and threading.current_thread() is threading.main_thread():
            self.joined = Latch()
            self.on_join(lambda session: self.joined.set())
            self.start()
            self.joined.wait(0.5)  # where it cannot join now, it does afterwards
        return current

    @session.setter
    def session(self, session: Any) -> None:
        self._current = session


def test_what_is_declared_while_the_component_joins_is_served_in_that_session() -> None:
    with wamplite.Router() as router, router.connect() as caller:
        app = BetweenLooks(router.listen("rs://127.0.0.1:0"))
        app.register("com.example.p", lambda: 5)
        assert app.joined is not None and app.joined.wait(PATIENCE)
        try:
            until(lambda: registered(caller), "it is registered")
            assert caller.call("com.example.p") == 5
        finally:
            app.stop()


def registered(session: Any) -> bool:
    return session.call("wamp.registration.match", "com.example.p") is not None


def test_a_testament_is_left_once_in_each_session_whoever_asks_for_it() -> None:
    testament = LastingTestament("com.will", ["gone"], {}, None, "destroyed")
    for session in (SomeSession(1), SomeSession(2)):
        for asking in [soon(testament, session) for _ in range(4)]:
            asking.result()
        assert session.asked == [("wamp.session.add_testament", ["com.will", ["gone"], {}])]
