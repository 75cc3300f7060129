"""wamplite: a small WAMP v2 router and a blocking client, in threads.

    with wamplite.connect("ws://127.0.0.1:8080/ws", realm="realm1") as session:
        session.publish("com.example.temp", 21.5, unit="C")

Importing this loads nothing else: each name below is loaded by its first use (PEP 562).
"""

TYPE_CHECKING = False  # as in `typing`, without the milliseconds that its import takes
if TYPE_CHECKING:
    from . import auth
    from .client.component import Component
    from .client.component import Component as Client
    from .client.connect import connect
    from .client.options import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions
    from .client.passthru import PayloadScheme
    from .client.plain import to_plain
    from .client.results import Event, Invocation, Registration, Result, Subscription
    from .client.session import Session
    from .core.errors import (
        ApplicationError,
        AuthenticationFailed,
        CallTimeout,
        Canceled,
        ConnectTimeout,
        InvalidArgument,
        JoinRefused,
        NoSuchProcedure,
        NotAuthorized,
        ProtocolError,
        SessionNotReady,
        TransportLost,
        Unavailable,
        UsageError,
        WampliteError,
    )
    from .router import Router
    from .version import __version__

_HOMES = {  # of all names but the errors
    "client.component": ("Component",),
    "client.connect": ("connect",),
    "client.options": ("CallOptions", "PublishOptions", "RegisterOptions", "SubscribeOptions"),
    "client.passthru": ("PayloadScheme",),
    "client.plain": ("to_plain",),
    "client.results": ("Event", "Invocation", "Registration", "Result", "Subscription"),
    "client.session": ("Session",),
    "router": ("Router",),
    "version": ("__version__",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ApplicationError",
    "AuthenticationFailed",
    "CallOptions",
    "CallTimeout",
    "Canceled",
    "Client",
    "Component",
    "ConnectTimeout",
    "Event",
    "InvalidArgument",
    "Invocation",
    "JoinRefused",
    "NoSuchProcedure",
    "NotAuthorized",
    "PayloadScheme",
    "ProtocolError",
    "PublishOptions",
    "RegisterOptions",
    "Registration",
    "Result",
    "Router",
    "Session",
    "SessionNotReady",
    "SubscribeOptions",
    "Subscription",
    "TransportLost",
    "Unavailable",
    "UsageError",
    "WampliteError",
    "__version__",
    "auth",
    "connect",
    "to_plain",
]


def __getattr__(name: str) -> object:
    """Load a public name from its home, once."""
    if name not in __all__:
        raise AttributeError(f"module 'wamplite' has no attribute {name!r}")
    from importlib import import_module

    if name == "auth":
        return import_module(".auth", __name__)
    wanted = "Component" if name == "Client" else name  # the name in xconn and wampy
    home = _HOME.get(wanted, "core.errors")
    found: object = getattr(import_module(f".{home}", __name__), wanted)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
