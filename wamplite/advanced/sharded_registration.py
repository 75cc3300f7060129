"""`runmode: "partition"`: calls of one key go to one callee (RFC "Sharded Registration").

Announced by caller, dealer and callee. The section is a sketch: of its two ways "all" is not
written, and "partition" not to its end. What is built: the callees register with
`invoke: "partition"`; a CALL with `runmode: "partition"` must have an `rkey`, and all calls of one
key go to one of them, the same as long as it is there. When one comes or goes only the keys that
it takes over or leaves move (rendezvous hashing). A call with either is refused where the callees
registered otherwise.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from ..core import uris
from ..core.feature import Feature, Host, Refused, claim
from ..core.messages import Call

PARTITION = "partition"


class ForRouter(Feature):
    name = "sharded_registration"
    status = "sketch"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        claim(host.dealer.invoke, PARTITION, choose)
        for key, handler in {"runmode": on_runmode, "rkey": on_rkey}.items():
            claim(host.dealer.call_options, key, handler)
            claim(host.dealer.own_options, key, on_own)


class ForClient(Feature):
    name = "sharded_registration"
    roles = ("caller", "callee")

    def install(self, host: Host) -> None:
        """Nothing to add: CALL and REGISTER carry the options."""


def on_runmode(pending: Any, runmode: str) -> None:
    if runmode != PARTITION:
        text = f"runmode must be {PARTITION!r}, not {runmode!r}"
        raise Refused(uris.INVALID_ARGUMENT, text)
    if "rkey" not in pending.options:
        raise Refused(uris.INVALID_ARGUMENT, "runmode 'partition' needs an rkey")


def on_rkey(pending: Any, rkey: str) -> None:
    registration = pending.callee.registration
    if registration.invoke != PARTITION:
        text = f"{registration.uri!r} is registered with invoke {registration.invoke!r}"
        raise Refused(uris.INVALID_ARGUMENT, f"{text}; rkey and runmode need {PARTITION!r}")


def on_own(caller: Any, value: str) -> None:
    raise Refused(uris.INVALID_ARGUMENT, "a procedure of the router has no shards")


def choose(registration: Any, call: Call) -> Any:
    key = str(call.options.get("rkey", "")).encode()
    free = [callee for callee in registration.callees.values() if not callee.busy]
    return max(free, key=lambda callee: _rank(key, callee), default=None)


def _rank(key: bytes, callee: Any) -> int:
    return crc32(key, crc32(str(callee.member.session).encode()))
