"""`REGISTER.Options.concurrency`: how many calls a callee takes at a time (no section; Autobahn's).

A call that finds all callees busy waits for its turn, first come, first served, at most WAITING of
one registration and KEPT bytes of payload in all; beyond that it is refused with
`wamp.error.unavailable`. While it waits it can be canceled, and its time runs. Not announced.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from ..core import uris
from ..core.feature import Feature, Host, Refused, claim
from ..core.messages import Call
from ..core.weight import weigh

WAITING = 64
KEPT = 1024 * 1024


class ForRouter(Feature):
    name = "concurrency"

    def install(self, host: Host) -> None:
        self.dealer, self.later = host.dealer, host.later
        self.kept = 0
        self.is_watching = False
        claim(host.dealer.register_options, self.name, self.on_option)

    def on_option(self, callee: Any, most: Any) -> None:
        if most < 1:
            raise Refused(uris.INVALID_ARGUMENT, "concurrency must be at least 1")
        callee.notes["most"], callee.notes["has"] = most, 0
        if not self.is_watching:  # nobody pays for this until somebody asks for it
            self.is_watching = True
            self.dealer.sent.append(self.on_sent)
            self.dealer.freed.append(self.on_freed)
            self.dealer.unregistered.append(self.on_unregistered)
            self.dealer.queue = self.wait

    def on_sent(self, caller: Any, pending: Any, callee: Any) -> None:
        notes = callee.notes
        if "most" in notes:
            notes["has"] += 1
            if notes["has"] >= notes["most"]:
                self.dealer.set_busy(callee, True)

    def on_freed(self, caller: Any, pending: Any, callee: Any) -> None:
        notes = callee.notes
        if "most" in notes:
            notes["has"] -= 1
            if callee.busy:
                self.dealer.set_busy(callee, False)
                if callee.registration.notes.get("waiting"):
                    self.later(0, lambda: self.go_on(callee.registration))

    def wait(self, pending: Any, call: Call) -> None:
        """Keep a call until a callee is free."""
        registration = pending.callee.registration
        waiting = registration.notes.setdefault("waiting", deque())
        weight = weigh([call.args, call.kwargs], KEPT)
        if len(waiting) >= WAITING or self.kept + weight > KEPT:
            text = f"all callees of {registration.uri!r} are busy, and {len(waiting)} calls wait"
            raise Refused(uris.UNAVAILABLE, text)
        self.kept += weight
        entry = pending, call, weight
        waiting.append(entry)
        pending.notes["waits"] = entry
        pending.ends = [*(pending.ends or ()), self.on_end]

    def on_end(self, pending: Any, answer: Any) -> None:
        """Forget a call that ended while it waited."""
        entry = pending.notes.pop("waits", None)
        if entry is not None:
            pending.callee.registration.notes["waiting"].remove(entry)
            self.kept -= entry[2]

    def go_on(self, registration: Any) -> None:
        """Send what waits, as far as callees are free."""
        waiting = registration.notes["waiting"]
        while waiting:
            pending, call, weight = waiting[0]
            callee = self.dealer.invoke[registration.invoke](registration, call)
            if callee is None:
                return
            waiting.popleft()
            del pending.notes["waits"]
            self.kept -= weight
            try:
                self.dealer.send_invocation(pending, callee, call.args, call.kwargs)
            except Refused as refused:
                self.dealer.fail(pending, refused.error, *refused.args)

    def on_unregistered(self, member: Any, callee: Any, message: Any) -> None:
        """Refuse what waits for a registration that has ended."""
        registration = callee.registration
        if not registration.callees:
            text = f"nobody has registered {registration.uri!r} any more"
            for pending, _, _ in list(registration.notes.get("waiting", ())):
                self.dealer.fail(pending, uris.NO_SUCH_PROCEDURE, text)
