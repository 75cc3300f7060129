"""The blocking client: connect() -> Session, and Component, the session that comes back."""

from .component import Component
from .connect import connect
from .options import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions
from .results import Event, Invocation, Registration, Result, Subscription
from .session import Session

__all__ = [
    "CallOptions",
    "Component",
    "Event",
    "Invocation",
    "PublishOptions",
    "RegisterOptions",
    "Registration",
    "Result",
    "Session",
    "SubscribeOptions",
    "Subscription",
    "connect",
]
