"""`receive_progress`: partial results before the last one (RFC "Progressive Call Results").

Announced by caller, dealer and callee. Each YIELD with `progress` becomes a RESULT with `progress`,
and the one without it ends the call. Partial results that the caller did not ask for are dropped.

A callee that did not announce call_canceling, too, counts as one without it: the section has the
dealer disregard it, for nobody could stop it when its caller has left. `without_canceling` asks
such callees all the same, as autobahn-js is one: what they go on to send is dropped.
"""

from __future__ import annotations

from typing import Any

from ..core.feature import Feature, Host, claim


class ForRouter(Feature):
    name = "progressive_call_results"
    status = "stable"
    roles = ("dealer",)
    needs = ("call_canceling",)

    def __init__(self, *, without_canceling: bool = False) -> None:
        self.asked_of_callees = (self.name, *(() if without_canceling else self.needs))

    def install(self, host: Host) -> None:
        claim(host.dealer.call_options, "receive_progress", self.on_wish)
        claim(host.dealer.yield_options, "progress", self.on_progress)

    def on_wish(self, pending: Any, wished: bool) -> None:
        member = pending.callee.member
        if wished and all(member.announced("callee", key) for key in self.asked_of_callees):
            pending.details["receive_progress"] = True

    def on_progress(self, answer: Any, partial: bool) -> None:
        if partial:
            answer.final = False
            answer.told = "receive_progress" in answer.call.details
            answer.details["progress"] = True


class ForClient(Feature):
    name = "progressive_call_results"
    roles = ("caller", "callee")
    needs = ("call_canceling",)

    def install(self, host: Host) -> None:
        """Nothing to add: partial results reach a call that asked for them."""
