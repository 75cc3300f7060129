"""`wamp.error.unavailable` from a callee: the call goes to the next (RFC "Call Re-Routing").

Announced by dealer and callee. The next is chosen by the policy of the registration as if those who
were unavailable were not there; where nobody is left, and with policy `single`, the caller gets
`wamp.error.no_available_callee`. The payload of a call that may be sent on is kept for that long,
KEPT bytes of one call and ALL_KEPT of all; of a larger one the callee's ERROR is passed on. So is
that of a call in parts, all of which go to one callee, and of one that its caller has canceled.
"""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.feature import Feature, Handler, Host, Refused
from ..core.messages import Call, Error
from ..core.weight import weigh

INVOCATION = 68
KEPT = 64 * 1024
ALL_KEPT = 4 * 1024 * 1024


class ForRouter(Feature):
    name = "call_reroute"
    status = "sketch"
    roles = ("dealer",)

    def install(self, host: Host) -> None:
        self.dealer = host.dealer
        self.kept = 0
        host.dealer.called.append(self.on_called)
        host.handlers.wrap(Error, self.on_error)

    def on_called(self, caller: Any, pending: Any, call: Call) -> None:
        """Keep what the call says, if it may have to be said again."""
        if pending.callee.registration.invoke == "single" or call.options.get("progress"):
            return
        weight = weigh([call.args, call.kwargs], KEPT)
        if weight <= KEPT and self.kept + weight <= ALL_KEPT:
            self.kept += weight
            pending.notes["reroute"] = call, weight
            pending.ends = [*(pending.ends or ()), self.on_end]

    def on_end(self, pending: Any, answer: Any) -> None:
        _, weight = pending.notes.pop("reroute")
        self.kept -= weight

    def on_error(self, inner: Handler, member: Any, error: Error) -> None:
        pending = member.invocations.get(error.request)
        unavailable = error.request_type == INVOCATION and error.error == uris.UNAVAILABLE
        if pending is None or not unavailable or not member.announced("callee", self.name):
            return inner(member, error)
        if pending.interrupted:
            return inner(member, error)
        single = pending.callee.registration.invoke == "single"
        if not single and "reroute" not in pending.notes:
            return inner(member, error)
        if single or not self.send_on(pending):
            text = f"every callee of {pending.procedure!r} is unavailable"
            self.dealer.fail(pending, uris.NO_AVAILABLE_CALLEE, text)
        return None

    def send_on(self, pending: Any) -> bool:
        """Send a call to the next callee that takes it; False if there is none."""
        call, _ = pending.notes["reroute"]
        tried = pending.notes.setdefault("tried", set())
        while True:
            tried.add(pending.callee.member)
            callee = self.choose(pending.callee.registration, call, tried)
            if callee is None:
                return False
            try:
                self.dealer.send_invocation(pending, callee, call.args, call.kwargs)
            except Refused:
                continue  # it has become the callee of this call, and is passed over now
            return True

    def choose(self, registration: Any, call: Call, tried: set[Any]) -> Any:
        """Ask the policy, with those that were tried out of the way."""
        out = [c for c in registration.callees.values() if c.member in tried and not c.busy]
        for callee in out:
            callee.busy = True
        try:
            return self.dealer.invoke[registration.invoke](registration, call)
        finally:
            for callee in out:
                callee.busy = False


class ForClient(Feature):
    name = "call_reroute"
    roles = ("callee",)

    def install(self, host: Host) -> None:
        """Nothing to add: a callee that has no thread left answers that it is unavailable."""
