"""What every connection to the router does once messages can be read, from a socket or not.

    joining  HELLO, perhaps CHALLENGE, then WELCOME or ABORT
    open     what comes is handed to the realm, see hosting.py, until the member is gone
    waiting  after GOODBYE, or an ABORT that answers HELLO: for another HELLO, which is joining
             again, or for the peer to close, for a moment

All of it is the connection's flow, see waits.py. A peer that says nothing holds nothing of what it
said last. One that sends more than `max_message_rate` allows is not read until what it has sent was
its turn.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any

from ..core import uris
from ..core.errors import TransportLost
from ..core.handshake import Accepted, Acceptor
from ..core.members import Join, Lost, Member, Violation
from ..core.messages import Abort, Authenticate, Challenge, Hello, Message
from ..core.words import shorten
from . import session_log
from .arrivals import NOTHING
from .connections import is_near, origin_of
from .faults import log_fault
from .hosting import Hosting
from .large import LargePlace
from .mailbox import Mailbox
from .pacing import Bucket
from .presence import Presence
from .routing import Routing
from .served import SMALL, Gather
from .shared import Shared
from .waits import AS_LARGE, BLOCKING, RECEIVE, Flow, Wait

logger = logging.getLogger("wamplite.router")

FINAL = (uris.PROTOCOL_VIOLATION, uris.AUTHENTICATION_FAILED, uris.UNAVAILABLE)
JOIN = Join()
MOST_REFUSED = 4  # handshakes in a row over one connection


class Connection(ABC):
    """Somebody who is connected."""

    may_be_shared = False  # the reader of many may take its steps
    is_ready = False  # there is something to receive, whatever the descriptor says
    is_full = False  # all together hold too much
    is_left = False  # something large is here, which somebody else is to decode
    weight = SMALL  # of what it brought last
    transport_name = "in this process"  # for logs
    deadline = float("inf")  # of a handshake, in seconds of time.monotonic()
    is_slowed = True  # by max_message_rate
    is_proxied = False  # a proxy connected, and has not told for whom
    place: LargePlace | None = None  # that a large receive has taken
    routing: Routing | None = None  # of the realm that it joined last
    waits = False  # for another HELLO
    received = 0  # entries that were handed over
    bad_logins = 0
    slowed_at = 0.0  # in seconds of time.monotonic(): when it was not read, the last time
    bucket: Bucket | None = None  # once it is asked for its pace
    arrived = NOTHING  # and not handed over yet
    gather: Gather | None = None  # takes what it brings where its steps must not take long

    def __init__(
        self, shared: Shared, name: str, address: str | None, listener_url: str = ""
    ) -> None:
        self.shared = shared
        self.name = name  # for logs
        self.listener_url = listener_url  # "": it came to none
        self.address = address  # of the client; "": a Unix socket, None: in this process, serial
        self.origin = origin_of(address)  # for the bounds

    def be_read(self, gather: Gather | None, may_wait: bool) -> None:
        """Be read by another from now on, see Served."""
        self.gather = gather

    @abstractmethod
    def flow(self) -> Flow:
        """Return its life."""

    @abstractmethod
    def conclude(self) -> None:
        """Close it, and give its place back: its life is over."""

    @abstractmethod
    def shutdown(self, why: str) -> None:
        """End now; any thread."""

    @abstractmethod
    def receive(self) -> list[Any]:
        """Wait for what one recv brings: messages, then Violation or Lost if it ended.

        `place` is what it has taken meanwhile, to be given back once all of it is handled. What is
        large is not returned where `gather` is set, but the next time, and `is_left` is set.
        """

    @abstractmethod
    def say(self, message: Message) -> None:
        """Send a message of the handshake: no realm has a part in it yet."""

    @abstractmethod
    def finish(self) -> None:
        """End the connection after what was said."""

    @abstractmethod
    def box(self, routing: Routing) -> Mailbox:
        """Return where the realm posts to."""

    def accepted(self, outcome: Accepted) -> None:
        """Notice that the handshake has succeeded."""
        self.shared.connections.joined(self)

    def check_alive(self) -> None:
        """Raise TransportLost where an authmethod took too long, and the deadline ended it."""
        if self.has_ended:
            raise TransportLost(f"{self.name}: it has ended meanwhile")

    def wait_again(self) -> bool:
        """Wait for another HELLO, for a moment; False where none may come."""
        return False

    def resume(self) -> bool:
        """Notice that it came; False if that was too late."""
        return False

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more can come."""
        return False

    def came_in_part(self) -> None:  # noqa: B027 - most have nothing to do
        """Notice that a recv brought a part of a message and no whole one."""

    def await_room(self) -> None:  # noqa: B027 - most have nothing to do
        """Wait a moment where all together hold too much, before more is read."""

    def disown(self) -> None:  # noqa: B027 - in one process there is nothing to close
        """Close what a forked child has of the connection."""

    @property
    def is_near(self) -> bool:
        """Tell whether the client is of this machine."""
        return not self.is_proxied and is_near(self.address)

    @property
    def queued(self) -> tuple[int, int]:
        """How many bytes and messages wait to be sent."""
        return 0, 0

    @property
    def bytes(self) -> tuple[int, int]:
        """How many have come, and have gone."""
        return 0, 0

    @abstractmethod
    def acceptor(self) -> Acceptor:
        """Return what judges its HELLO."""

    def facts(self) -> dict[str, Any]:
        """Return what may be told of what carries the session."""
        return {"type": "local"}

    def fileno(self) -> int:
        """Return the descriptor that tells when there is something to receive."""
        return -1

    def nothing_came(self) -> Flow:
        """Go on after a receive that returned nothing, perhaps in a thread."""
        self.came_in_part()
        if self.is_full:  # perhaps since just now: who is to go may be read by the same thread
            yield BLOCKING
            self.await_room()
        if self.is_left:
            yield AS_LARGE

    def converse(self) -> Flow:
        """Serve one session after the other, until the peer is sent away or has left for good."""
        presences = self.shared.presences
        try:
            while True:
                joined = yield from self._join()  # its frame has ended: nobody keeps HELLO
                if joined is None:
                    return
                presence, routing = joined
                presences.begin(presence)
                try:
                    session_log.joined(presence)
                    yield from Hosting(self, presence.member, routing).flow()
                    session_log.left(presence)
                finally:
                    presences.end(presence)
                del joined, presence
                if not self.waits:
                    return
        finally:
            self._give_back()

    def _join(self) -> Generator[Wait, None, tuple[Presence, Routing] | None]:
        """Speak until a session is accepted; None where the peer was sent away."""
        acceptor, refused, hello = None, 0, None
        while True:
            while not self.arrived:
                yield RECEIVE
                self.arrived = self.receive()
                if not self.arrived:
                    yield from self.nothing_came()
            entries, self.arrived = self.arrived, NOTHING
            for at, entry in enumerate(entries, 1):
                if type(entry) is Lost:
                    raise TransportLost(entry.text)
                if self.waits and not self._is_again(entry):
                    continue  # it crossed our last words
                hello = entry if type(entry) is Hello else hello
                acceptor = acceptor or self.acceptor()
                if acceptor.may_take_long(entry):
                    yield BLOCKING
                outcome = self.answer(acceptor, hello, entry)
                if self.shared.traced and hello is not None:
                    self.shared.trace_step(hello.realm, self.name, entry, outcome)
                if isinstance(outcome, Accepted):
                    self.check_alive()
                    self.arrived = [JOIN, *entries[at:]]
                    return self._begin(outcome)
                if outcome is not None:
                    self.say(outcome)
                if not isinstance(outcome, Challenge):
                    refused += 1
                    if not self._refused(hello, outcome, refused):
                        self.finish()
                        return None
                    acceptor = None
            self._give_back()

    def _refused(self, hello: Hello | None, outcome: Abort | None, times: int) -> bool:
        """Tell of a refusal; True if another HELLO may come."""
        self.shared.count("joins_refused")
        session_log.refused(self, hello, outcome)
        is_over = _is_final(outcome) or times == MOST_REFUSED
        is_over |= self.bad_logins >= self.shared.limits.max_logins_per_connection
        return not is_over and self.wait_again()

    def _is_again(self, entry: Any) -> bool:
        """Tell whether this begins another session; while one is waited for all else is dropped."""
        if type(entry) is Violation:
            raise TransportLost(f"{self.name}: {entry.text}")
        if type(entry) is not Hello:
            return False
        if not self.resume():
            raise TransportLost(f"{self.name}: HELLO came after the time for it")
        return True

    def answer(
        self, acceptor: Acceptor, hello: Hello | None, entry: Any
    ) -> Challenge | Abort | Accepted | None:
        """Answer a message of the handshake; who has guessed wrong before waits for it."""
        logins, is_login = self.shared.logins, type(entry) is Authenticate
        if is_login and hello is not None:
            patience = self.deadline - time.monotonic()
            refused = logins.wait(self.address, hello, patience, self.name)
            if refused is not None:
                return refused
            self.check_alive()
        outcome = self._judge(acceptor, entry)
        if (is_login or type(outcome) is Abort) and hello is not None:
            self.bad_logins += logins.judged(self.address, hello, outcome, self.name)
        return outcome

    def _judge(self, acceptor: Acceptor, entry: Any) -> Challenge | Abort | Accepted | None:
        """Answer a message of the handshake; an authmethod that fails lets nobody in."""
        try:
            return acceptor.on_message(entry)
        except Exception:
            log_fault(logger, "%s: the authmethod failed", self.name)
            text = "the authentication failed: an error of the router, told in its log"
            return Abort({"message": text}, uris.AUTHENTICATION_FAILED)

    def _begin(self, accepted: Accepted) -> tuple[Presence, Routing]:
        routing = self.shared.realms.get(accepted.realm)
        if routing is None:
            raise TransportLost(f"{self.name}: the realm {accepted.realm} has gone meanwhile")
        self.routing, box = routing, self.box(routing)
        member = Member(
            accepted.session,
            accepted.identity,
            accepted.roles,
            box.post,
            box.post_droppable,
            box.end,
            box.release,
        )
        member.facts, member.agent = self.facts, accepted.agent
        self.accepted(accepted)
        return Presence(self, box, member, accepted.realm), routing

    def tell_end(self, text: str) -> None:
        """Tell the log, where anybody reads that, why the connection ends."""
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s: %s", self.name, shorten(self.unnamed(text)))

    def unnamed(self, text: str) -> str:
        """Return a text without the peer's name, where it stands before it in a log already."""
        return text.removeprefix(f"{self.name}: ")

    def _give_back(self) -> None:
        """Give back the place that the last receive took, where nobody else will."""
        place, self.place = self.place, None
        if place is not None:
            place.release()


def _is_final(outcome: Abort | None) -> bool:
    """Tell whether an ABORT ends the connection, too."""
    return outcome is not None and outcome.reason in FINAL
