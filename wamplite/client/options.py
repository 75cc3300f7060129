"""Options as typed classes: dicts of the specification's names, where a plain dict does too.

`timeout` (seconds; 0: no limit) and `concurrent` are ours and stay here; only a router that
announces call_timeout is told CALL.Options.timeout, in milliseconds. What is not named here goes to
the router as it is, if it begins with "_": `CallOptions(_private=1)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..core.errors import UsageError
from ..core.grammar import GRAMMAR
from ..core.messages import CODES, NAMES, Call, Message, Publish, Register, Subscribe

Options = Mapping[str, Any] | None  # what `options=` takes; a typed class is a dict, too


class _Options(dict[str, Any]):
    """A dict of those that were given."""

    def __init__(self, given: dict[str, Any]) -> None:
        others = given.pop("others")
        given = {key: value for key, value in given.items() if key not in ("self", "__class__")}
        super().__init__({key: value for key, value in given.items() if value is not None})
        self.update(others)


class CallOptions(_Options):
    """How to call. `timeout` in seconds; the rest as in the specification's CALL.Options."""

    def __init__(
        self,
        *,
        timeout: float | None = None,
        disclose_me: bool | None = None,
        receive_progress: bool | None = None,
        progress: bool | None = None,
        rkey: str | None = None,
        runmode: str | None = None,
        ppt_scheme: str | None = None,
        ppt_serializer: str | None = None,
        ppt_cipher: str | None = None,
        ppt_keyid: str | None = None,
        **others: Any,
    ) -> None:
        super().__init__(dict(locals()))


class PublishOptions(_Options):
    """How to publish. `timeout` is for the acknowledgement; the rest as in PUBLISH.Options."""

    def __init__(
        self,
        *,
        acknowledge: bool | None = None,
        timeout: float | None = None,
        exclude_me: bool | None = None,
        disclose_me: bool | None = None,
        exclude: list[int] | None = None,
        exclude_authid: list[str] | None = None,
        exclude_authrole: list[str] | None = None,
        eligible: list[int] | None = None,
        eligible_authid: list[str] | None = None,
        eligible_authrole: list[str] | None = None,
        retain: bool | None = None,
        rkey: str | None = None,
        ppt_scheme: str | None = None,
        ppt_serializer: str | None = None,
        ppt_cipher: str | None = None,
        ppt_keyid: str | None = None,
        **others: Any,
    ) -> None:
        super().__init__(dict(locals()))


class SubscribeOptions(_Options):
    """How to subscribe. `concurrent` gives up order; the rest as in SUBSCRIBE.Options."""

    def __init__(
        self,
        *,
        match: str | None = None,
        get_retained: bool | None = None,
        nkey: str | None = None,
        concurrent: bool | None = None,
        timeout: float | None = None,
        **others: Any,
    ) -> None:
        super().__init__(dict(locals()))


class RegisterOptions(_Options):
    """How to register. `concurrent`: False serves calls one by one, in order of arrival.

    Further calls wait, 1024 at most, and are answered wamp.error.unavailable beyond. The rest is as
    in the specification's REGISTER.Options.
    """

    def __init__(
        self,
        *,
        match: str | None = None,
        invoke: str | None = None,
        disclose_caller: bool | None = None,
        forward_timeout: bool | None = None,
        concurrent: bool | None = None,
        timeout: float | None = None,
        **others: Any,
    ) -> None:
        super().__init__(dict(locals()))


class Wishes(NamedTuple):
    """Options taken apart: what goes to the router, and what is ours."""

    wire: dict[str, Any]
    timeout: float | None
    concurrent: bool | None


_OWN: dict[type[Message], frozenset[str]] = {  # what stays here
    Call: frozenset({"timeout"}),
    Publish: frozenset({"timeout"}),
    Subscribe: frozenset({"timeout", "concurrent"}),
    Register: frozenset({"timeout", "concurrent"}),
}


def apart(kind: type[Message], options: Mapping[str, Any] | None, timeout: float | None) -> Wishes:
    """Take options apart; UsageError where the router would call them a violation."""
    if not options:
        return Wishes({}, timeout, None)
    if not isinstance(options, Mapping):
        raise UsageError(f"options must be a dict, not {type(options).__name__}")
    own = {key: options[key] for key in _OWN[kind] if key in options}
    wire = {key: value for key, value in options.items() if key not in own}
    shape = GRAMMAR[CODES[kind]]
    for key, value in wire.items():
        if not isinstance(key, str):
            raise UsageError(
                f"{NAMES[CODES[kind]]}: an option's name must be a string, not {key!r}"
            )
        known = shape.keys.get(key)
        if known is None and not key.startswith("_"):
            raise UsageError(_unknown(NAMES[CODES[kind]], key, [*shape.keys, *_OWN[kind]]))
        if known and value is not None and not known.fits(value):
            name = NAMES[CODES[kind]]
            raise UsageError(f"{name}: option {key} must be {known.wanted}, not {value!r}")
    seconds, concurrent = own.get("timeout"), own.get("concurrent")
    if concurrent is not None and type(concurrent) is not bool:
        raise UsageError(
            f"{NAMES[CODES[kind]]}: option concurrent must be a bool, not {concurrent!r}"
        )
    if kind is Publish and seconds is not None and not wire.get("acknowledge"):
        raise UsageError("PUBLISH: option timeout is for an answer, so it needs acknowledge")
    return Wishes(
        {key: value for key, value in wire.items() if value is not None or key not in shape.keys},
        timeout if seconds is None else checked_timeout(seconds),
        concurrent,
    )


def _unknown(name: str, key: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, known, 1)
    hint = f", perhaps {near[0]}" if near else ""
    return f"{name} has no option {key!r}{hint}; one of your own begins with '_'"


def checked_timeout(seconds: Any) -> float | None:
    """Return the seconds to wait, None for no limit; UsageError for what is no such number."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise UsageError(f"timeout must be seconds, 0 or more, not {seconds!r}")
    return seconds if 0 < seconds < 1e9 else None


def told_timeout(wishes: Wishes, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return CALL.Options for a router that announces call_timeout: with milliseconds."""
    asked = options and options.get("timeout") and wishes.timeout
    return {**wishes.wire, "timeout": max(1, round(asked * 1000))} if asked else wishes.wire
