"""Options as typed dicts of the specification's names, where a plain dict does too.

`timeout` (seconds; 0: no limit), `concurrent` and `describe` are ours and stay here; only a router
that announces call_timeout gets CALL.Options.timeout, in milliseconds. What is not named here goes
to the router as it is, if it begins with "_": `{"_private": 1}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

from ..core.errors import UsageError
from ..core.grammar import GRAMMAR
from ..core.messages import CODES, NAMES, Call, Message, Publish, Register, Subscribe

Options = Mapping[str, Any] | None  # what `options=` takes; a typed class is a dict, too


class CallOptions(TypedDict, total=False):
    """How to call. `timeout` in seconds; the rest as in the specification's CALL.Options."""

    timeout: float | None
    disclose_me: bool | None
    receive_progress: bool | None
    progress: bool | None
    rkey: str | None
    runmode: str | None
    ppt_scheme: str | None
    ppt_serializer: str | None
    ppt_cipher: str | None
    ppt_keyid: str | None


class PublishOptions(TypedDict, total=False):
    """How to publish. `timeout` is for the acknowledgement; the rest as in PUBLISH.Options."""

    acknowledge: bool | None
    timeout: float | None
    exclude_me: bool | None
    disclose_me: bool | None
    exclude: list[int] | None
    exclude_authid: list[str] | None
    exclude_authrole: list[str] | None
    eligible: list[int] | None
    eligible_authid: list[str] | None
    eligible_authrole: list[str] | None
    retain: bool | None
    rkey: str | None
    ppt_scheme: str | None
    ppt_serializer: str | None
    ppt_cipher: str | None
    ppt_keyid: str | None


class SubscribeOptions(TypedDict, total=False):
    """How to subscribe. `concurrent` gives up order; the rest as in SUBSCRIBE.Options."""

    match: str | None
    get_retained: bool | None
    nkey: str | None
    concurrent: bool | None
    timeout: float | None


class RegisterOptions(TypedDict, total=False):
    """How to register. `concurrent`: False serves calls one by one, in order of arrival.

    Further calls wait, 1024 at most, and are answered wamp.error.unavailable beyond. `describe`:
    True tells the router what the handler says of itself, see `session.reflection`. `concurrency`
    has the router keep what is above so many calls at a time, `force_reregister` takes a procedure
    over (both as in Crossbar). The rest is as in the specification's REGISTER.Options.
    """

    match: str | None
    invoke: str | None
    disclose_caller: bool | None
    forward_timeout: bool | None
    concurrency: int | None
    force_reregister: bool | None
    concurrent: bool | None
    describe: bool | None
    timeout: float | None


class Wishes(NamedTuple):
    """Options taken apart: what the router is asked for, and what is ours."""

    asked: dict[str, Any]
    timeout: float | None
    concurrent: bool | None = None
    describe: bool = False


_OWN: dict[type[Message], frozenset[str]] = {  # what stays here
    Call: frozenset({"timeout"}),
    Publish: frozenset({"timeout"}),
    Subscribe: frozenset({"timeout", "concurrent"}),
    Register: frozenset({"timeout", "concurrent", "describe"}),
}


def apart(kind: type[Message], options: Mapping[str, Any] | None, timeout: float | None) -> Wishes:
    """Take options apart; UsageError where the router would call them a violation."""
    if not options:
        return Wishes({}, timeout)
    if not isinstance(options, Mapping):
        raise UsageError(f"options must be a dict, not {type(options).__name__}")
    own = {key: options[key] for key in _OWN[kind] if key in options}
    asked = {key: value for key, value in options.items() if key not in own}
    shape, name = GRAMMAR[CODES[kind]], NAMES[CODES[kind]]
    for key, value in asked.items():
        if not isinstance(key, str):
            raise UsageError(f"{name}: an option's name must be a string, not {key!r}")
        known = shape.keys.get(key)
        if known is None and not key.startswith("_"):
            near = _nearest(key, [*shape.keys, *_OWN[kind]])
            hint = f", perhaps {near}" if near else ""
            raise UsageError(f"{name} has no option {key!r}{hint}; one of your own begins with '_'")
        if known and value is not None and not known.fits(value):
            raise UsageError(f"{name}: option {key} must be {known.wanted}, not {value!r}")
    seconds = own.get("timeout")
    for key in ("concurrent", "describe"):
        if own.get(key) is not None and type(own[key]) is not bool:
            raise UsageError(f"{name}: option {key} must be a bool, not {own[key]!r}")
    if kind is Publish and seconds is not None and not asked.get("acknowledge"):
        raise UsageError("PUBLISH: option timeout is for an answer, so it needs acknowledge")
    return Wishes(
        {key: value for key, value in asked.items() if value is not None or key not in shape.keys},
        timeout if seconds is None else checked_timeout(seconds),
        own.get("concurrent"),
        bool(own.get("describe")),
    )


def _nearest(key: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(key, known, 1)
    return near[0] if near else None


def checked_timeout(seconds: Any) -> float | None:
    """Return the seconds to wait, None for no limit; UsageError for what is no such number."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds >= 0:
        raise UsageError(f"timeout must be seconds, 0 or more, not {seconds!r}")
    return seconds if 0 < seconds < 1e9 else None


def with_timeout(wishes: Wishes, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return CALL.Options for a router that announces call_timeout: with milliseconds."""
    seconds = options.get("timeout") and wishes.timeout
    return {**wishes.asked, "timeout": max(1, round(seconds * 1000))} if seconds else wishes.asked


def options_among(kind: type[Message], names: Iterable[str]) -> str:
    """Name the keyword arguments that are called like options of a request; "" for none."""
    found = [name for name in names if name in GRAMMAR[CODES[kind]].keys]
    each = ", ".join(f"{name!r}: ..." for name in found)
    return f"as options they stand in options={{{each}}}" if found else ""


def refuse_keywords(verb: str, kind: type[Message], unknown: Iterable[str]) -> None:
    """Refuse keywords of a verb that takes options=, as Python does; tell which are options."""
    known = [*GRAMMAR[CODES[kind]].keys, *_OWN[kind]]
    for name in unknown:
        near = _nearest(name, known)
        hint = f"; an option stands in options={{{near!r}: ...}}" if near else ""
        raise TypeError(f"{verb}() got an unexpected keyword argument {name!r}{hint}")
