"""Who is connected, and how many may be: in all, of one address, and before they have joined.

A place is taken before a connection is served, and given back by whoever serves it as the last
act. Check and entry are one step, so that several listeners cannot let in one too many.

Places for handshakes are shared out, so that no address keeps another out:

    an address      its share; twice as much while half of all places are free
    all are taken   the address that holds most loses the one that has waited longest, to a newcomer
                    of an address that holds fewer
    Unix sockets    as many places of their own, and so have those of whom a proxy tells later
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..locks import Condition, Lock
from .limits import Limits

LOCAL = ""  # the origin of Unix sockets
MAPPED = bytes(10) + b"\xff\xff"  # before an IPv4 address that an IPv6 socket shows
LINK = b"\xfe\x80"  # before an IPv6 address of the link, whose network is everybody's
ALL_HANDSHAKING = "connections_refused_handshaking"
EVICTED = "another address needs the place, and this one holds most that have not joined"


class Connected(Protocol):
    """A connection or a session in the same process."""

    name: str

    origin: str | None  # whom it counts for, see origin_of; `move` alone changes it

    @property
    def listener_url(self) -> str:
        """Where it came to; "": nowhere, it is of this process."""

    @property
    def bytes(self) -> tuple[int, int]:
        """How many have come, and have gone."""

    @property
    def queued(self) -> tuple[int, int]:
        """How many bytes and messages wait to be sent."""

    def shutdown(self, why: str) -> None:
        """End it now; any thread."""

    def disown(self) -> None:
        """Close what a forked child has of it."""


class Traffic(NamedTuple):
    """What the connections of a listener have done so far, those that have ended included."""

    open: int = 0  # of them, now
    accepted: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


Tell = Callable[[str, str], None]  # what is counted, and about whom


class Share:
    """What an origin holds: places of connections, and those of them that have not joined."""

    __slots__ = ("handshakes", "origin", "places")

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.places = self.handshakes = 0


class Connections:
    """All who are connected."""

    def __init__(self, limits: Limits, tell: Tell) -> None:
        self.limits = limits
        self._tell = tell
        self._lock = Lock()  # guards all that follows
        self._fewer = Condition(self._lock)  # notified at the end, by who leaves
        self._peers: dict[Connected, None] = {}
        # Not yet joined; oldest first. None: who is exempt, or holds no place for it
        self._joining: dict[Connected, Share | None] = {}
        self._within = 0  # of all: those who are exempt
        self._shares: dict[str, Share] = {}  # by origin
        self._handshakes = 0  # of all shares but LOCAL's
        self._ended: dict[str, list[int]] = {}  # of connections that are no more, by listener
        self._closed = False

    def __len__(self) -> int:
        return len(self._peers)

    def enter(self, peer: Connected) -> str | None:
        """Take a place; where there is none, return the name of the bound as it is counted."""
        origin, evicted = peer.origin, None
        with self._lock:
            refusal = self._refusal_of_all(origin)
            if refusal is None:
                refusal, evicted = self._find_room(origin)
            if refusal is None:
                self._peers[peer] = None
                self._take(peer, origin)
        if refusal or evicted:
            self._tell_of(refusal, evicted, peer)
        return refusal

    def move(self, peer: Connected, origin: str | None) -> str | None:
        """Count a connection for whom its proxy names; where that has no room, return as `enter`.

        Its own thread calls it, before it has joined.
        """
        evicted, refusal = None, None
        with self._lock:
            if origin != peer.origin and peer in self._peers:
                self._stop_joining(peer)
                self._give_back(peer)
                refusal, evicted = self._find_room(origin)
                if refusal is None:
                    peer.origin = origin
                self._take(peer, peer.origin)
        self._tell_of(refusal, evicted, peer)
        return refusal

    def joined(self, peer: Connected) -> None:
        """Notice that a handshake has succeeded."""
        with self._lock:
            self._stop_joining(peer)

    def joins_again(self, peer: Connected) -> bool:
        """Notice that a session has ended and another may follow; False: nobody gets in any more.

        Its place of the connection is enough for that: a deadline ends it soon.
        """
        with self._lock:
            if self._closed or peer not in self._peers:
                return False
            self._joining.setdefault(peer, None)  # who was refused has its place for a handshake
            return True

    def leave(self, peer: Connected) -> None:
        """Give the place back; nothing if that was done before."""
        with self._lock:
            if peer not in self._peers:
                return
            self._stop_joining(peer)
            self._give_back(peer)
            _add(self._ended, peer)
            del self._peers[peer]  # last: who counts them without the lock finds the place free
            if self._closed:
                self._fewer.notify_all()

    def close(self) -> None:
        """Let nobody in any more."""
        with self._lock:
            self._closed = True

    def shutdown_joining(self, why: str) -> None:
        """End all that have not joined."""
        with self._lock:
            peers = list(self._joining)
        for peer in peers:
            peer.shutdown(why)

    def shutdown_all(self, why: str) -> None:
        """End all."""
        with self._lock:
            peers = list(self._peers)
        for peer in peers:
            peer.shutdown(why)

    def listening(self, url: str) -> None:
        """Tell of a listener from now on, whether anybody comes or not."""
        with self._lock:
            self._ended.setdefault(url, [0, 0, 0, 0])

    @property
    def joining(self) -> int:
        """How many have not joined, or wait to join again."""
        return len(self._joining)

    def traffic(self) -> dict[str, Traffic]:
        """Return by listener what all connections have done; "": those of this process."""
        with self._lock:
            sums = {url: list(ended) for url, ended in self._ended.items()}
            for peer in self._peers:
                _add(sums, peer)[0] += 1
        return {url: Traffic(*figures) for url, figures in sums.items()}

    def queues(self) -> list[tuple[int, int]]:
        """Return of each connection how many bytes and messages wait to be sent."""
        with self._lock:
            return [peer.queued for peer in self._peers]

    def disown(self) -> None:
        """Close what a forked child has of them; the lock may be held there for ever."""
        for peer in list(self._peers):
            peer.disown()

    def wait(self, deadline: float, are_left: int = 0) -> None:
        """Wait until no more than so many are left, to a `time.monotonic()`."""
        with self._lock:
            seconds = deadline - time.monotonic()
            self._fewer.wait_for(lambda: len(self._peers) <= are_left, max(0.0, seconds))

    def _tell_of(self, refusal: str | None, evicted: Connected | None, peer: Connected) -> None:
        if evicted is not None:
            self._tell("handshakes_evicted", evicted.name)
            evicted.shutdown(EVICTED)
        if refusal is not None:
            self._tell(refusal, peer.name)

    # Under the lock

    def _find_room(self, origin: str | None) -> tuple[str | None, Connected | None]:
        """Return why an origin has no room, or who was made to give up a place for it."""
        refusal = self._refusal(origin)
        if refusal != ALL_HANDSHAKING or not origin:
            return refusal, None
        evicted = self._find_longest_waiting(origin)
        if evicted is None:
            return refusal, None
        self._stop_joining(evicted)
        return None, evicted

    def _take(self, peer: Connected, origin: str | None) -> None:
        if origin is None:
            self._joining[peer] = None
            self._within += 1
            return
        share = self._shares.get(origin)
        if share is None:
            share = self._shares[origin] = Share(origin)
        self._joining[peer] = share
        share.places += 1
        share.handshakes += 1
        if origin:
            self._handshakes += 1

    def _give_back(self, peer: Connected) -> None:
        origin = peer.origin
        if origin is None:
            self._within -= 1
            return
        share = self._shares[origin]
        share.places -= 1
        if not share.places:
            del self._shares[origin]

    def _stop_joining(self, peer: Connected) -> None:
        share = self._joining.pop(peer, None)
        if share is not None:
            share.handshakes -= 1
            if share.origin:
                self._handshakes -= 1

    def _refusal_of_all(self, origin: str | None) -> str | None:
        if self._closed:
            return "connections_refused_at_the_end"
        held = len(self._peers) - self._within
        if origin is not None and held >= self.limits.max_connections:
            return "connections_refused"
        return None

    def _refusal(self, origin: str | None) -> str | None:
        """Return why an origin has no room."""
        if origin is None:
            return None
        limits, share = self.limits, self._shares.get(origin)
        places, handshakes = (share.places, share.handshakes) if share else (0, 0)
        most, taken = limits.max_handshaking, self._handshakes
        if not origin:
            return ALL_HANDSHAKING if handshakes >= most else None
        if places >= limits.max_connections_per_address:
            return "connections_refused_by_address"
        its = limits.max_handshaking_per_address
        if handshakes >= its and (2 * taken >= most or handshakes >= 2 * its):
            return "connections_refused_handshaking_by_address"
        return ALL_HANDSHAKING if taken >= most else None

    def _find_longest_waiting(self, origin: str) -> Connected | None:
        """Return the oldest of the address that holds most, if that holds more than `origin`."""
        waiting = [(peer, one) for peer, one in self._joining.items() if one and one.origin]
        most, share = (
            max((one.handshakes for _, one in waiting), default=0),
            self._shares.get(origin),
        )
        if most <= (share.handshakes if share else 0):
            return None
        return next(peer for peer, one in waiting if one.handshakes == most)


def origin_of(address: str | None) -> str | None:
    """Return whom an address stands for: an IPv6 address for its network of 64 bits."""
    if address is None or ":" not in address:
        return address
    packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    if packed.startswith(MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[len(MAPPED) :])
    return address if packed.startswith(LINK) else packed[:8].hex(":", 2)


def is_near(address: str | None) -> bool:
    """Tell whether an address is of this machine; "" is that of a Unix socket."""
    import ipaddress  # few ask

    from ..transports.proxy_header import unmapped

    if not address:
        return True
    return unmapped(ipaddress.ip_address(address.partition("%")[0])).is_loopback


def _add(sums: dict[str, list[int]], peer: Connected) -> list[int]:
    """Add what a connection has done to the figures of its listener, which are those of Traffic."""
    figures = sums.get(peer.listener_url)
    if figures is None:
        figures = sums[peer.listener_url] = [0, 0, 0, 0]
    came, went = peer.bytes
    figures[1] += 1
    figures[2] += came
    figures[3] += went
    return figures
