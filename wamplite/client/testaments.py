"""`session.testament`: an event that the router publishes when the session ends (RFC "Session
Testament"), however it ends. The router must have testament_meta_api, as it does by default.
"""

from __future__ import annotations

from typing import Any

from ..core.messages import Publish
from .options import Options

__all__ = ["flush_testaments", "testament"]


def testament(
    session: Any,
    topic: str,
    /,
    *args: Any,
    options: Options = None,
    scope: str = "destroyed",
    **kwargs: Any,
) -> None:
    """Have an event published when the session ends.

    options: of the PUBLISH, as {"retain": True}. scope: "destroyed" or "detached"; those of the
    latter are published first. Raises NoSuchProcedure where the router has no testaments, and
    what `publish` raises for the options.
    """
    bequeath(session, topic, list(args), kwargs, options, scope)


def bequeath(
    session: Any,
    topic: str,
    args: list[Any],
    kwargs: dict[str, Any],
    options: Options = None,
    scope: str = "destroyed",
) -> None:
    """Do what `testament` does, with keyword arguments of any name."""
    asked = session.checked_options(Publish, options)
    words = {"publish_options": asked, "scope": scope}
    session.call_result("wamp.session.add_testament", [topic, args, kwargs], words)


def flush_testaments(session: Any, scope: str = "destroyed") -> None:
    """Have the router forget the testaments of a scope, as before a session is left for good."""
    session.call("wamp.session.flush_testaments", scope=scope)
