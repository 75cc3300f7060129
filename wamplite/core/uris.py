"""URIs: what a valid one is, and all that WAMP predefines (RFC "URIs", "URI Reference")."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 255  # bytes of UTF-8

# Close reasons
CLOSE_REALM = "wamp.close.close_realm"
GOODBYE_AND_OUT = "wamp.close.goodbye_and_out"
SYSTEM_SHUTDOWN = "wamp.close.system_shutdown"
KILLED = "wamp.close.killed"
SLOW_CONSUMER = "wamplite.close.slow_consumer"

# Errors of the Basic Profile
INVALID_URI = "wamp.error.invalid_uri"
NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"
PROCEDURE_ALREADY_EXISTS = "wamp.error.procedure_already_exists"
NO_SUCH_REGISTRATION = "wamp.error.no_such_registration"
NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"
INVALID_ARGUMENT = "wamp.error.invalid_argument"
CANCELED = "wamp.error.canceled"
CANCELLED = (
    "wamp.error.cancelled"  # the section "Callee Leaving" spells it so: accepted, never sent
)
PAYLOAD_SIZE_EXCEEDED = "wamp.error.payload_size_exceeded"
PROTOCOL_VIOLATION = "wamp.error.protocol_violation"
NOT_AUTHORIZED = "wamp.error.not_authorized"
AUTHORIZATION_FAILED = "wamp.error.authorization_failed"
NO_SUCH_REALM = "wamp.error.no_such_realm"
NO_SUCH_ROLE = "wamp.error.no_such_role"

# Errors of the Advanced Profile
NO_MATCHING_AUTH_METHOD = "wamp.error.no_matching_auth_method"
NO_SUCH_PRINCIPAL = "wamp.error.no_such_principal"
AUTHENTICATION_DENIED = "wamp.error.authentication_denied"
AUTHENTICATION_FAILED = "wamp.error.authentication_failed"
AUTHENTICATION_REQUIRED = "wamp.error.authentication_required"
AUTHORIZATION_DENIED = "wamp.error.authorization_denied"
AUTHORIZATION_REQUIRED = "wamp.error.authorization_required"
TIMEOUT = "wamp.error.timeout"
OPTION_NOT_ALLOWED = "wamp.error.option_not_allowed"
DISCLOSE_ME_DISALLOWED = "wamp.error.option_disallowed.disclose_me"
NETWORK_FAILURE = "wamp.error.network_failure"
UNAVAILABLE = "wamp.error.unavailable"
NO_AVAILABLE_CALLEE = "wamp.error.no_available_callee"
FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"

# Errors the specification leaves to implementations
RUNTIME_ERROR = "wamp.error.runtime_error"  # an exception in a callee's code, as Autobahn names it
LIMIT_REACHED = "wamplite.error.limit_reached"
INTERNAL_ERROR = "wamplite.error.internal_error"  # a fault of the router itself
COMMAND_FAILED = "wamplite.error.command_failed"
UNREADABLE_PAYLOAD = "wamplite.error.unreadable_payload"  # sealed, and nothing here opens it

# Not a URI: WELCOME.Details tells with it how large a message the router takes, in bytes
MAX_MESSAGE_SIZE = "_max_message_size"
# Nor this: HELLO.Details and WELCOME.Details tell with it that a PING will be answered
ANSWERS_PING = "_answers_ping"

RESERVED = ("wamp.", "wamplite.router.")
TRACE = "wamplite.router.trace"  # a topic: the messages of a realm as they pass

_LOOSE = re.compile(r"(?:[^\s.#]+\.)*[^\s.#]+")
_LOOSE_PATTERN = re.compile(r"(?:[^\s.#]+\.|\.)*(?:[^\s.#]+)?")


def is_valid(uri: str) -> bool:
    """Tell whether `uri` keeps the loose rule: components without space, dot or '#', none empty."""
    return len(uri) <= MAX_LENGTH and _is_valid(uri)


def is_valid_pattern(uri: str) -> bool:
    """Tell whether `uri` keeps the loose rule for patterns, where components may be empty."""
    return _fits(uri) and _LOOSE_PATTERN.fullmatch(uri) is not None


def is_valid_for(match: str, uri: str) -> bool:
    """Tell whether `uri` keeps the loose rule as what is matched so: a URI, or a pattern."""
    return is_valid(uri) if match == "exact" else is_valid_pattern(uri)


def is_reserved(uri: str) -> bool:
    """Tell whether `uri` is WAMP's, or belongs to our router: nobody else may serve or publish."""
    return uri.startswith("wamp") and (uri.startswith(RESERVED) or uri == "wamp")


def flaw(uri: object) -> str:
    """Say to whoever wrote it what is wrong with a URI that is not valid."""
    if not isinstance(uri, str):
        return f"it must be text, not {type(uri).__name__}"
    if not uri or len(uri) > MAX_LENGTH:
        return f"a URI has 1 to {MAX_LENGTH} bytes"
    if "#" in uri:
        return "it may hold no #; for all topics that begin so there is match prefix"
    if any(map(str.isspace, uri)):
        return "it may hold no spaces"
    if "" in uri.split("."):
        return "a dot at an end, or two in a row, are for patterns: match prefix or wildcard"
    return f"it is not UTF-8 of at most {MAX_LENGTH} bytes"


@lru_cache(maxsize=1024)  # asked before every PUBLISH; short strings only, or it would hold a lot
def _is_valid(uri: str) -> bool:
    return _fits(uri) and _LOOSE.fullmatch(uri) is not None


def _fits(uri: str) -> bool:
    if len(uri) > MAX_LENGTH or uri.isascii():
        return len(uri) <= MAX_LENGTH
    try:
        return len(uri.encode()) <= MAX_LENGTH
    except UnicodeEncodeError:  # a lone surrogate is no text, as of an argument in another encoding
        return False
