"""What every connection to the router does once messages can be read, from a socket or not.

wamplite-conn-N:  joining  HELLO, perhaps CHALLENGE, then WELCOME or ABORT
                  open     receive -> wait until what came before is handled -> arrive, until the
                           member is gone
                  waiting  after GOODBYE, or an ABORT that answers HELLO: for another HELLO, which
                           is joining again, or for the peer to close, for a moment

Whatever goes wrong in this thread, the member leaves its realm before the thread ends. A peer that
says nothing holds nothing of what it said last: 150 KB on a wire may be 10 MB here. One that sends
more than `max_message_rate` allows is not read until what it has sent was its turn.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from typing import Any

from ..core import uris
from ..core.errors import TransportLost
from ..core.handshake import Accepted, Acceptor
from ..core.members import Join, Lost, Member, Violation
from ..core.messages import Abort, Authenticate, Challenge, Goodbye, Hello, Message
from ..locks import Lock
from . import session_log
from .connections import is_near, origin_of
from .faults import guarded, log_fault
from .mailbox import Mailbox
from .pacing import Pace
from .presence import Presence
from .routing import NOTHING, Arrival, Routing
from .shared import Shared

logger = logging.getLogger("wamplite.router")

PAUSE = 0.01  # seconds after a fault: memory may be had again
FAULTS = (Lost, Violation)
ENDS = (*FAULTS, Goodbye)
FINAL = (uris.PROTOCOL_VIOLATION, uris.AUTHENTICATION_FAILED, uris.UNAVAILABLE)
MOST_REFUSED = 4  # handshakes in a row over one connection


class Connection(ABC):
    """Somebody who is connected; its own thread calls `converse`."""

    transport_name = "in this process"  # for logs
    deadline = float("inf")  # of a handshake, in seconds of time.monotonic()
    is_slowed = True  # by max_message_rate

    def __init__(
        self, shared: Shared, name: str, address: str | None, listener_url: str = ""
    ) -> None:
        self.shared = shared
        self.name = name  # for logs
        self.listener_url = listener_url  # "": it came to none
        self.address = address  # of the client; "": a Unix socket, None: in this process, serial
        self.origin = origin_of(address)  # for the bounds
        self.is_proxied = False  # a proxy connected, and has not told for whom
        self.place: threading.Semaphore | None = None  # that a large receive has taken
        self.waits = False  # for another HELLO
        self._leaving = False  # the session has said GOODBYE
        self.received = 0  # entries that were handed over
        self.bad_logins = 0
        self._arrived = NOTHING  # behind HELLO, or the end of a session, or above its rate
        self.pace = Pace()

    @abstractmethod
    def run(self) -> None:
        """Serve to the end; the target of its thread."""

    @abstractmethod
    def shutdown(self, why: str) -> None:
        """End now; any thread."""

    @abstractmethod
    def receive(self) -> list[Any]:
        """Wait for what one recv brings: messages, then Violation or Lost if it ended.

        `place` is what it has taken meanwhile, to be given back once all of it is handled.
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

    def converse(self) -> None:
        """Serve one session after the other, until the peer is sent away or has left for good."""
        try:
            while True:
                joined = self._join()  # its frame has ended: nobody keeps HELLO
                if joined is None:
                    return
                presence, routing = joined
                self._stay(presence, routing)
                del joined, presence
                if not self.waits:
                    return
        finally:
            self._give_back()

    def _stay(self, presence: Presence, routing: Routing) -> None:
        """Serve a session to its end, and tell of it."""
        presences = self.shared.presences
        presences.begin(presence)
        try:
            session_log.joined(presence)
            self._read(presence.member, routing)
            session_log.left(presence)
        finally:
            presences.end(presence)

    def _join(self) -> tuple[Presence, Routing] | None:
        """Speak until a session is accepted; None where the peer was sent away."""
        acceptor, refused, hello = self.acceptor(), 0, None
        while True:
            entries, self._arrived = self._arrived or self.receive(), NOTHING
            for at, entry in enumerate(entries, 1):
                if type(entry) is Lost:
                    raise TransportLost(entry.text)
                if self.waits and not self._is_again(entry):
                    continue  # it crossed our last words
                hello = entry if type(entry) is Hello else hello
                outcome = self.answer(acceptor, hello, entry)
                if self.shared.traced and hello is not None:
                    self.shared.trace_step(hello.realm, self.name, entry, outcome)
                if isinstance(outcome, Accepted):
                    self.check_alive()
                    self._arrived = [Join(), *entries[at:]]
                    return self._begin(outcome)
                if outcome is not None:
                    self.say(outcome)
                if not isinstance(outcome, Challenge):
                    self.shared.count("joins_refused")
                    session_log.refused(self, hello, outcome)
                    refused += 1
                    is_over = _is_final(outcome) or refused == MOST_REFUSED
                    is_over |= self.bad_logins >= self.shared.limits.max_logins_per_connection
                    if is_over or not self.wait_again():
                        self.finish()
                        return None
                    acceptor = self.acceptor()
            self._give_back()

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
        if hello is None:
            return self._judge(acceptor, entry)
        logins = self.shared.logins
        is_login = type(entry) is Authenticate
        if is_login:
            patience = self.deadline - time.monotonic()
            refused = logins.wait(self.address, hello, patience, self.name)
            if refused is not None:
                return refused
            self.check_alive()
        outcome = self._judge(acceptor, entry)
        if is_login or type(outcome) is Abort:
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
        box = self.box(routing)
        member = Member(
            accepted.session,
            accepted.identity,
            accepted.roles,
            box.post,
            box.post_droppable,
            box.end,
            box.release,
        )
        self._leaving = False
        member.transport, member.agent = self.facts(), accepted.agent
        self.accepted(accepted)
        return Presence(self, box, member, accepted.realm), routing

    def _read(self, member: Member, routing: Routing) -> None:
        """Serve a member to its end. While it is idle no name here holds what it has sent."""
        handled = Lock()  # held from an arrival of this member until it is handled
        try:
            while member.open and self._bring(self._await(member), member, routing, handled):
                pass
            if self._leaving:
                routing.lose(member)  # it is gone: whoever routes has done with it then
        except BaseException:
            log_fault(logger, "%s, %s: the session is closed", self.name, member)
            while not guarded(logger, lambda: routing.lose(member), "it is tried again"):
                time.sleep(PAUSE)

    def _await(self, member: Member) -> list[Any]:
        """Return what came behind HELLO, then what each receive brings."""
        entries, self._arrived = self._arrived, NOTHING
        try:
            while not entries:
                entries = self.receive()
                if not entries:
                    self.came_in_part()
        except BaseException:
            log_fault(logger, "%s, %s: the session is closed", self.name, member)
            return [Lost("internal error")]
        is_slowed = self.is_slowed and self.shared.limits.max_message_rate
        return self._paced(entries, member) if is_slowed else entries

    def _paced(self, entries: list[Any], member: Member) -> list[Any]:
        """Return as many as may be handed over now, one at least: the others come after them."""
        messages = len(entries) - (type(entries[-1]) in FAULTS)
        number = self.pace.admit(messages, self.shared, lambda: member.open and not self.has_ended)
        if number < messages:
            entries, self._arrived = entries[:number], entries[number:]
        return entries

    def _bring(self, entries: list[Any], member: Member, routing: Routing, handled: Lock) -> bool:
        """Hand over what has arrived once what came before is handled; False if it was the last."""
        handled.acquire()
        if not member.open:  # what came behind its end may begin another session
            self._arrived = entries + self._arrived
            return False
        if self._leaving:
            entries = [entry for entry in entries if type(entry) in FAULTS]
            if not entries:  # it is dropped, HELLO too: that must wait for GOODBYE
                handled.release()
                return True
        if Goodbye in map(type, entries):
            entries, rest = _cut(entries)
            self._arrived = rest + self._arrived
        last = type(entries[-1])
        self.received += len(entries) - (last in FAULTS)
        place, self.place = self.place, None
        routing.arrive(Arrival(member, entries, handled, place))
        if last not in ENDS:
            return True
        if last is Goodbye:
            handled.acquire()  # it is to be handled before anything else is read
            self._leaving = True
            if member.open:  # it waits behind requests about which somebody is asked
                handled.release()
            return member.open
        handled.acquire()  # its end is to be handled before the connection is closed
        return False

    def unnamed(self, text: str) -> str:
        """Return a text without the peer's name, where it stands before it in a log already."""
        return text.removeprefix(f"{self.name}: ")

    def _give_back(self) -> None:
        """Give back the place that the last receive took, where nobody else will."""
        place, self.place = self.place, None
        if place is not None:
            place.release()


def _cut(entries: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the entries to the first GOODBYE, and those behind it."""
    end = list(map(type, entries)).index(Goodbye) + 1
    return entries[:end], entries[end:]


def _is_final(outcome: Abort | None) -> bool:
    """Tell whether an ABORT ends the connection, too."""
    return outcome is not None and outcome.reason in FINAL
