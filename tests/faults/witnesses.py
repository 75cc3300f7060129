"""Two healthy sessions that publish and call all the while, with numbers, in a thread of their own.

Whatever is done to the router meanwhile, each event and each result must come, in order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.sessions import Session, Stopwatch, open_session
from tests.faults.wire import Closed

TOPIC, PROCEDURE = "faults.witness.topic", "faults.witness.procedure"
PAUSE = 0.02  # seconds between two rounds


class Witnesses:
    """One hears and serves, the other publishes and calls; `rounds` so far, `worst` in seconds."""

    def __init__(self, port: int) -> None:
        self.rounds = 0
        self.worst = 0.0
        self._failure: BaseException | None = None
        self._ending = threading.Event()
        self._hears = open_session(port, "rs-json")
        self._speaks = open_session(port, "ws-msgpack")
        self._subscription = self._hears.subscribe(TOPIC)
        self._registration = self._hears.register(PROCEDURE)
        self._thread = threading.Thread(target=self._run, name="witnesses", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._ending.wait(PAUSE):
                watch = Stopwatch()
                self._round(self.rounds + 1)
                self.worst = max(self.worst, watch.seconds)
                self.rounds += 1
        except (AssertionError, Closed, OSError) as failure:
            self._failure = failure

    def _round(self, number: int) -> None:
        answer = self._speaks.ask(16, {"acknowledge": True}, TOPIC, [number])
        assert answer[0] == 17, answer
        event = self._hears.hear()
        assert (event[:2], event[4:]) == ([36, self._subscription], [[number]]), event
        self._speaks.request += 1
        self._speaks.say(48, self._speaks.request, {}, PROCEDURE, [number])
        invocation = self._hears.hear()
        assert invocation[:3] == [68, number, self._registration], invocation
        assert invocation[4:] == [[number]], invocation
        self._hears.say(70, number, {}, [-number])
        result = self._speaks.hear()
        assert result == [50, self._speaks.request, {}, [-number]], result

    def check(self) -> None:
        """See that nothing was lost so far."""
        if self._failure is not None:
            text = f"the witnesses lost something in round {self.rounds + 1}: {self._failure!r}"
            raise AssertionError(text) from self._failure

    def close(self) -> None:
        """End the thread and both sessions."""
        self._ending.set()
        self._thread.join(20)
        for session in (self._speaks, self._hears):
            session.close()


@contextmanager
def witnessed(port: int) -> Iterator[Witnesses]:
    """Let witnesses look on, who must have lost nothing in the end."""
    witnesses = Witnesses(port)
    try:
        yield witnesses
        witnesses.check()
    finally:
        witnesses.close()


def is_served_anew(port: int, dialect: str = "rs-msgpack", seconds: float = 2.0) -> bool:
    """Tell whether a fresh session is answered in time."""
    watch = Stopwatch()
    fresh: Session = open_session(port, dialect)
    served = fresh.is_served()
    fresh.close()
    return served and watch.seconds < seconds
