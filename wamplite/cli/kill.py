"""End sessions, by their ids or by who they are, and print how many there were.

`wamplite sessions` prints the ids. Our own session is never among them. A program that comes back
after a loss, as `wamplite sub` and each `Component` does, comes back after this, too.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..core.errors import ApplicationError, UsageError
from .common import emit, positive, text
from .connection import add_connection, connect
from .needs import procedures_of
from .outcomes import in_words
from .streams import complain

if TYPE_CHECKING:
    from ..client.meta import Meta

NO_SUCH_SESSION = "wamp.error.no_such_session"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite kill`."""
    add = parser.add_argument
    add("sessions", nargs="*", type=positive, default=[], metavar="SESSION", help="an id")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--by-authid", type=text, metavar="AUTHID", help="all sessions of it")
    which.add_argument("--by-authrole", type=text, metavar="AUTHROLE", help="all sessions of it")
    which.add_argument("--all", action="store_true", help="all sessions of the realm")
    add("--reason", type=text, metavar="URI", help="default: wamp.close.killed")
    add("--message", type=text, metavar="TEXT", help="for people, in the session's log")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Kill, and print the number."""
    by_who = options.all or options.by_authid is not None or options.by_authrole is not None
    if bool(options.sessions) == by_who:
        raise UsageError("kill: expected SESSION ..., --by-authid, --by-authrole or --all")
    with connect(options) as session, procedures_of("session_meta_api"):
        ended = kill_some(session.meta, options) if by_who else kill_each(session.meta, options)
    emit(ended)
    return 0 if by_who or ended == len(set(options.sessions)) else 1


def kill_some(meta: Meta, options: argparse.Namespace) -> int:
    """End the sessions of an authid or authrole, or all; return how many."""
    why = (options.reason, options.message)
    if options.by_authid is not None:
        return len(meta.kill_by_authid(options.by_authid, *why))
    if options.by_authrole is not None:
        return meta.kill_by_authrole(options.by_authrole, *why)
    return meta.kill_all(*why)


def kill_each(meta: Meta, options: argparse.Namespace) -> int:
    """End each session of a list; report those that are not there, and return how many were."""
    ended = 0
    for number in dict.fromkeys(options.sessions):
        try:
            meta.kill(number, options.reason, options.message)
            ended += 1
        except ApplicationError as error:
            if error.error != NO_SUCH_SESSION:
                raise
            complain(in_words(error))
    return ended
