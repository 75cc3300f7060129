"""Who is connected, and how many may be: in all, of one address, and before they have joined.

A place is taken before the connection's thread starts and given back by that thread as its last
act. Check and entry are one step, so that several listeners cannot let in one too many.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Protocol

from .limits import Limits


class Connected(Protocol):
    """A connection or a session in the same process."""

    @property
    def address(self) -> str | None:
        """Whom it counts for: "" for a Unix socket, None within the process, who is exempt."""

    def shutdown(self, why: str) -> None:
        """End it now; any thread."""

    def disown(self) -> None:
        """Close what a forked child has of it."""


class Connections:
    """All who are connected, each with its thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()  # guards all that follows
        self._threads: dict[Connected, threading.Thread] = {}
        self._joining: set[Connected] = set()  # not yet joined
        self._within = 0  # of all: sessions of this process, which are not bounded
        self._addresses: Counter[str] = Counter()
        self._closed = False

    def __len__(self) -> int:
        return len(self._threads)

    def enter(self, peer: Connected, thread: threading.Thread) -> str | None:
        """Take a place; where there is none, return the name of the bound as it is counted."""
        address = peer.address
        with self._lock:
            refusal = self._refusal(address)
            if refusal is None:
                self._threads[peer] = thread
                self._joining.add(peer)
                if address is None:
                    self._within += 1
                elif address:
                    self._addresses[address] += 1
            return refusal

    def joined(self, peer: Connected) -> None:
        """Notice that a handshake has succeeded."""
        with self._lock:
            self._joining.discard(peer)

    def leave(self, peer: Connected) -> None:
        """Give the place back; nothing if that was done before."""
        with self._lock:
            if self._threads.pop(peer, None) is None:
                return
            self._joining.discard(peer)
            if peer.address is None:
                self._within -= 1
            elif peer.address:
                self._addresses[peer.address] -= 1
                if not self._addresses[peer.address]:
                    del self._addresses[peer.address]

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
            peers = list(self._threads)
        for peer in peers:
            peer.shutdown(why)

    def disown(self) -> None:
        """Close what a forked child has of them; the lock may be held there for ever."""
        for peer in list(self._threads):
            peer.disown()

    def threads(self) -> list[threading.Thread]:
        """Return the threads that run, but for the caller's own."""
        with self._lock:
            threads = list(self._threads.values())
        own = threading.current_thread()
        return [thread for thread in threads if thread.is_alive() and thread is not own]

    def _refusal(self, address: str | None) -> str | None:
        limits = self._limits
        if self._closed:
            return "connections_refused"
        if address is None:
            return None
        if len(self._threads) - self._within >= limits.max_connections:
            return "connections_refused"
        if address and self._addresses[address] >= limits.max_connections_per_address:
            return "connections_refused_by_address"
        if len(self._joining) >= limits.max_handshaking:
            return "connections_refused_handshaking"
        return None
