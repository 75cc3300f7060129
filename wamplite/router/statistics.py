"""The figures of a router: what there is now, and what has been counted since it began.

Whoever asks pays for it: all connections are looked at, a millisecond or so for a thousand of them.
Nothing here changes anything, and nothing of it is imported before somebody asks.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from ..core.members import Member
from ..core.meta import iso
from ..core.meta import result as answer
from ..version import __version__
from .presence import Presence, Visits
from .routing import Routing
from .shared import Shared

__all__ = ["answer", "sessions", "stats"]

Figures = dict[str, Any]
ROWS = 1000  # 400 bytes each: more would not fit into what most peers take
PROC = Path("/proc/self")
PAGE = os.sysconf("SC_PAGE_SIZE")


def stats(shared: Shared) -> Figures:
    """Return all figures; sizes are bytes, times seconds. Any thread."""
    queues = [each for each in shared.connections.queues() if each[0]]
    return {
        "version": __version__,
        "started": iso(shared.started),
        "uptime": round(time.time() - shared.started, 3),
        "process": process(),
        "sessions": sum(len(routing.realm.members) for routing in list(shared.realms.values())),
        "connections": len(shared.connections),
        "joining": shared.connections.joining,
        "queues": {
            "connections": len(queues),
            "bytes": sum(size for size, _ in queues),
            "messages": sum(number for _, number in queues),
            "largest": max((size for size, _ in queues), default=0),
        },
        "realms": realms(shared),
        "listeners": listeners(shared),
        "counters": shared.counted(),
    }


def process() -> Figures:
    """Return what the process takes of the machine."""
    found = {"pid": os.getpid(), "cpu": time.process_time(), "threads": threading.active_count()}
    try:
        resident = int((PROC / "statm").read_text().split()[1]) * PAGE
        descriptors = len(os.listdir(PROC / "fd"))
    except OSError:  # no Linux, or a sandbox that hides /proc
        return found
    return {**found, "resident": resident, "descriptors": descriptors}


def realms(shared: Shared) -> Figures:
    """Return the figures of each realm."""
    visits = shared.presences.visits()
    return {
        name: realm(routing, visits.get(name, Visits()))
        for name, routing in list(shared.realms.items())
    }


def realm(routing: Routing, visits: Visits) -> Figures:
    """Return the figures of one realm."""
    of = routing.realm
    return {
        "sessions": len(of.members),
        "subscriptions": len(of.broker.subscriptions),
        "subscribers": of.broker.held,
        "registrations": len(of.dealer.registrations),
        "calls": of.dealer.calls,
        "waiting": routing.waiting,
        "joined": visits.joined,
        "messages_in": visits.messages_in,
        "messages_out": visits.messages_out,
    }


def listeners(shared: Shared) -> Figures:
    """Return the figures of each listener by its URL."""
    found = {}
    for url, traffic in shared.connections.traffic().items():
        if url:
            figures = traffic._asdict()
            found[url] = {"connections": figures.pop("open"), **figures}
    return found


def sessions(shared: Shared, name: str) -> list[Figures]:
    """Return a row for each session of a realm; of more than ROWS those that have come last."""
    return [row(presence) for presence in shared.presences.of(name)[-ROWS:]]


def row(presence: Presence) -> Figures:
    """Return what there is to tell of one session."""
    member, carrier = presence.member, presence.carrier
    came, went = presence.messages
    size, number = carrier.queued
    return {
        "session": member.session,
        "authid": member.identity.authid,
        "authrole": member.identity.authrole,
        "agent": member.agent,
        "peer": carrier.name,
        "listener": carrier.listener_url or None,
        "transport": carrier.transport_name,
        "since": iso(presence.since),
        "seconds": round(time.time() - presence.since, 3),
        "messages_in": came,
        "messages_out": went,
        "queued_bytes": size,
        "queued_messages": number,
        **held(member),
    }


def held(member: Member) -> Figures:
    """Return how much a session holds in its realm."""
    return {
        "subscriptions": len(member.subscriptions),
        "registrations": len(member.registrations),
        "calls": len(member.calls),
        "invocations": len(member.invocations),
    }
