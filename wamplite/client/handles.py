"""What subscribe() and register() return: a handle to what stands, and the way to give it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .handlers import Plan
from .options import Wishes
from .pool import OneByOne

if TYPE_CHECKING:
    from .session import Session


class Subscription:
    """A handler's subscription to a topic; `active` until `unsubscribe()`."""

    def __init__(self, session: Session, topic: str, plan: Plan, wishes: Wishes) -> None:
        self.session = session
        self.topic = topic
        self.id = 0  # of the router; equal for all subscriptions of a session to the same topic
        self.active = True
        self.plan = plan
        self.concurrent = bool(wishes.concurrent)

    def unsubscribe(self) -> None:
        """Get no more events; the handler is not started again once this has returned."""
        self.active = False
        self.session.unsubscribe(self)

    def __repr__(self) -> str:
        return f"<Subscription {self.id} {self.topic}>"


class Registration:
    """A procedure that is served; `active` until `unregister()`."""

    def __init__(
        self, session: Session, procedure: str, plan: Plan, in_turn: OneByOne | None
    ) -> None:
        self.session = session
        self.procedure = procedure
        self.id = 0  # of the router
        self.active = True
        self.plan = plan
        self.in_turn = in_turn  # where its calls wait for each other; None: they do not

    def unregister(self) -> None:
        """Get no more calls; those that have arrived are still served."""
        self.active = False
        self.session.unregister(self)

    def __repr__(self) -> str:
        return f"<Registration {self.id} {self.procedure}>"
