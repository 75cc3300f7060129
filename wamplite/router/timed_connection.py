"""Until when a connection may take for what: the deadlines that the housekeeper asks about.

handshaking   of TLS, transport and all HELLOs together, until one is accepted
open          none: pinged when silent, or where it may not know pings, probed
waiting       for another HELLO, after GOODBYE or a refused one: `linger`
ending        after the last words, for the peer to close: `linger`
"""

from __future__ import annotations

import logging
import time

from ..core.handshake import Accepted
from ..locks import Lock
from ..transports.base import Transport
from ..transports.stream import Stream
from .connection import Connection
from .shared import ENDED, Shared
from .silence import Silence, Verdict
from .timers import FOREVER

logger = logging.getLogger("wamplite.router")


class TimedConnection(Connection):
    """A connection whose peer may be slow, silent or gone."""

    _transport: Transport  # once hands are shaken
    _silence: Silence | None = None  # once it is asked whether the peer is silent

    def __init__(
        self, shared: Shared, stream: Stream, address: str | None, listener_url: str
    ) -> None:
        self.stream = stream
        super().__init__(shared, stream.peer, address, listener_url)
        self.deadline = time.monotonic() + shared.limits.handshake_timeout
        self._joins_until = self.deadline  # of all handshakes together, until one succeeds
        self._lock = Lock()  # guards `waits`

    def accepted(self, outcome: Accepted) -> None:
        """Watch over the peer from now on."""
        super().accepted(outcome)
        asked, self.deadline = self.deadline, FOREVER  # asked then, if not before
        interval = self.shared.limits.ping_interval
        if interval and self._transport.heard + interval < asked:
            self.shared.housekeeper.move(self, self.tick(time.monotonic()))

    def tick(self, now: float) -> float:
        """Keep the deadlines (the housekeeper); returns when to be asked again."""
        deadline = self.deadline  # other threads set it
        if now >= deadline:
            if self._has_more_time(now):
                return self.deadline
            return self._give_up("deadlines_missed", "a deadline was missed")
        if deadline < FOREVER:
            return deadline
        heard = max(self._transport.heard, self.slowed_at)  # slowed: some is not read yet
        interval = self.shared.limits.ping_interval
        if not interval:
            return FOREVER
        if not self._transport.answers_pings:
            self.stream.keep_alive(interval)  # the kernel looks; later it may send a PING
            return now + interval
        silence = self._silence = self._silence or Silence()
        verdict, again = silence.judge(now, heard, interval)
        if verdict is Verdict.GONE:
            return self._give_up("pings_unanswered", f"silent for {2 * interval:g} s")
        if verdict is Verdict.PING:
            self._transport.ping()
        return again

    def _give_up(self, counter: str, why: str) -> float:
        if self.stream.lost is None:
            self.shared.count(counter)
            logger.debug("%s: %s", self.name, why)
            self.shutdown(why)
        return FOREVER  # its own thread is on the way out

    def ending(self) -> None:
        """Give the peer a moment to close: the last words are posted (any thread, once or twice).

        Its own thread may have ended in the meantime, and then there is nothing to move.
        """
        self.deadline = min(self.deadline, time.monotonic() + self.shared.limits.linger)
        self.shared.housekeeper.move(self, self.deadline)

    def released(self) -> None:
        """Wait for another session: one has ended, and its last words are posted."""
        self._joins_until = time.monotonic() + self.shared.limits.handshake_timeout
        if not self.wait_again():
            self.finish()
            self.ending()

    def wait_again(self) -> bool:
        """Wait for another HELLO, for as long as for the peer to close; False at the end of all."""
        if not self.shared.connections.joins_again(self):
            return False
        with self._lock:
            self.waits = True
            self.deadline = min(self._joins_until, time.monotonic() + self.shared.limits.linger)
        self.shared.housekeeper.move(self, self.deadline)
        return True

    def resume(self) -> bool:
        """Notice that HELLO came; False if the connection had been given up."""
        with self._lock:
            waited, self.waits = self.waits, False
            if waited:
                self.deadline = self._joins_until
        return waited

    # Before there is a transport: requests over HTTP

    def waits_for_request(self, seconds: float) -> bool:
        """Wait so long for a request; False at the end of all. The first takes its place."""
        if not self.shared.connections.joins_again(self):
            if not self.stream.left:
                self.shutdown(ENDED)  # the client would only ask again
            return False
        self._has_time(seconds)
        return True

    def handles_request(self, seconds: float) -> None:
        """Have so long to answer a request for a session that there is."""
        self.shared.connections.joined(self)
        self._has_time(seconds)

    def _has_time(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self.shared.housekeeper.move(self, self.deadline)

    def _has_more_time(self, now: float) -> bool:
        """Tell whether HELLO came just now, or was waited for in vain: then say goodbye."""
        with self._lock:
            if now < self.deadline:
                return True
            waited, self.waits = self.waits, False
        if waited:
            self.deadline = now + self.shared.limits.linger
            self.finish()
        return waited
