"""The catalogue of faults and attacks: 109 items, and where each is tried.

An item is the tests of its number, `test_07_...`, in the files of its group, and those that are
named here because they stand elsewhere. tests/faults/conftest.py has what holds for all of them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NUMBERED = re.compile(r"test_(\d+)_")


class Group(NamedTuple):
    """Items that belong together: their titles by number, and the files of tests/faults."""

    title: str
    files: tuple[str, ...]
    items: dict[int, str]


def _numbered(first: int, text: str) -> dict[int, str]:
    lines = [line.strip() for line in text.strip().splitlines()]
    return dict(enumerate(lines, first))


GROUPS = {
    "A": Group(
        "transport framing",
        ("test_rawsocket.py", "test_websocket.py", "test_tls.py"),
        _numbered(
            1,
            """wrong magic
            unknown serializer
            reserved octets of the handshake
            reserved frame type or bit
            PING with a payload
            PONG that nobody asked for
            16 MB declared, 1 KB sent, by 30
            frame above the announced limit
            HELLO in single bytes
            two messages in one segment, or cut at every byte
            frame cut off by FIN
            message of no length
            plain HTTP request
            missing or foreign subprotocol
            endless headers
            violations of RFC 6455
            text that is no UTF-8
            1 TB declared, by 30
            endless fragments
            deflate bomb
            pings without reading
            the other kind of frame
            data after the close frame
            foreign Origin or Host
            TLS: silence, plain text, abrupt end, renegotiation""",
        ),
    ),
    "B": Group(
        "serializers",
        ("test_serializers.py",),
        _numbered(
            26,
            """depth 900, 5,000, 200,000
            lying headers, trailing bytes, half a message
            broken JSON, NaN, UTF-16, NUL
            integer of a million digits
            payload that is valid in one serializer only
            duplicate keys
            1 MB of empty containers
            CBOR: tags, cycles, endless lengths
            payload of depth 64, to every serializer
            integers of 64 bits""",
        ),
    ),
    "C": Group(
        "state of the protocol",
        ("test_protocol.py", "test_sessions.py", "test_cancel.py"),
        _numbered(
            36,
            """any message before HELLO
            second HELLO, messages of a router
            values that are no message
            malformed HELLO
            bad ids, URIs, options, arity
            answer to another callee's invocation
            second, late and given-up answers
            end of somebody else's subscription or registration
            CANCEL of an unknown or finished call
            message after GOODBYE
            GOODBYE in the middle of 100 calls
            id of a request used again
            SUBSCRIBE twice""",
        ),
    ),
    "D": Group(
        "authentication",
        ("test_authentication.py", "test_bad_logins.py"),
        _numbered(
            49,
            """AUTHENTICATE without a challenge, twice, after WELCOME
            wrong, empty, huge signature: the same as an unknown user
            replayed signature
            unknown authmethod
            role and authid wished for
            SCRAM: nonce, iterations, channel binding
            cryptosign: low-order key, length, upper case
            1,000 bad logins of one address
            fault or 60 s delay in an authmethod
            session ids""",
        ),
    ),
    "E": Group(
        "authorization",
        ("test_authorization.py",),
        _numbered(
            59,
            """REGISTER or PUBLISH in wamp.
            pattern over what is forbidden
            authid or URI with ., *, #, newline
            right taken away while subscribed
            authorizer that raises
            eligible and exclude: huge, of wrong types
            disclosure that is denied""",
        ),
    ),
    "F": Group(
        "resources",
        ("test_slowness.py", "test_floods.py", "test_connections.py", "test_scarcity.py",
         "test_soak.py"),
        _numbered(
            66,
            """slow subscriber, 180 MB
            slow caller
            flood of PUBLISH
            20,000 subscriptions
            20,000 calls that wait
            400 idle connections of one address
            200 sessions reset at once
            300 connections that come and go
            slow handshakes
            the limit of files
            thread that cannot be started
            the limit of memory
            10 MB for the log
            soak""",
        ),
    ),
    "G": Group(
        "the process",
        ("test_ends.py", "test_standstill.py", "test_threads.py", "test_clock.py", "test_reload.py",
         "test_handlers.py"),
        _numbered(
            80,
            """SIGTERM under traffic
            kill -9 and a new start
            SIGSTOP for 30 s
            exception in every thread of the router
            SIGHUP with a broken configuration
            the clock jumps by an hour
            handler that blocks, raises, calls back""",
        ),
    ),
    "H": Group(
        "network",
        ("test_losses.py", "test_links.py"),
        _numbered(
            87,
            """RST of 15 of 30 subscribers
            callee lost in a call
            caller lost with 300 calls
            registration free after RST
            interface down for 60 s
            half-closed connection
            9,600 bit/s, 20 % loss, 2 s delay
            address changes
            router restarts, 200 clients""",
        ),
    ),
    "I": Group(
        "serial lines",
        ("test_serial_line.py",),
        _numbered(
            96,
            """garbage before the first frame
            bit flips
            frame lost, doubled, out of order
            cable pulled, other name
            device floods at line rate
            device never drains
            two programs open the port""",
        ),
    ),
    "J": Group(
        "storage",
        ("test_storage.py",),
        _numbered(
            103,
            """kill -9 at random points
            disk full
            fsync fails
            damaged file
            read-only file system
            file of a newer version
            wrong mode of a file""",
        ),
    ),
}  # fmt: skip

ELSEWHERE = {
    71: ("tests/faults/test_silent_sockets.py",),
    77: ("tests/faults/test_small_box.py",),
    97: ("tests/test_serial_noise.py",),
    99: ("tests/test_serial_healing.py",),
}
NOT_RUN: dict[int, str] = {}  # what an item needs that no test can have here

TITLES = {number: title for group in GROUPS.values() for number, title in group.items.items()}


def group_of(number: int) -> str:
    """Return the letter of an item's group."""
    return next(letter for letter, group in GROUPS.items() if number in group.items)


def item_of(nodeid: str) -> int | None:
    """Return which item a test belongs to, by its id relative to the project."""
    for number, places in ELSEWHERE.items():
        if nodeid.startswith(places):
            return number
    path, _, name = nodeid.partition("::")
    numbered = NUMBERED.match(name)
    if path.startswith("tests/faults/") and numbered and int(numbered[1]) in TITLES:
        return int(numbered[1])
    return None


def places_of(numbers: set[int]) -> list[str]:
    """Return the files and tests in which items are tried."""
    letters = dict.fromkeys(group_of(number) for number in sorted(numbers))
    places = [f"tests/faults/{file}" for letter in letters for file in GROUPS[letter].files]
    places += [place for number in sorted(numbers) for place in ELSEWHERE.get(number, ())]
    return list(dict.fromkeys(places))
