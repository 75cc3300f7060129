"""What is fuzzed: functions of bytes that raise nothing, or there is a fault.

`tools/fuzz NAME` feeds one by atheris; test_replay.py feeds each with its corpus, and with changes
of that. What a function checks beside exceptions stands in its docstring.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fuzz import devices, files, frames, headers, messages, patterns

CORPUS = Path(__file__).parent / "corpus"

Target = Callable[[bytes], None]
TARGETS: dict[str, Target] = {
    "rawsocket": frames.rawsocket,
    "websocket": frames.websocket,
    "websocket_deflated": frames.websocket_deflated,
    "websocket_client": frames.websocket_client,
    "http": frames.http,
    "requests": frames.requests,
    "origins": frames.origins,
    "serial": frames.serial,
    "proxy_header": headers.proxy_header,
    "forwarded": headers.forwarded,
    "cookies": headers.cookies,
    "authorization": headers.authorization,
    "longpoll": headers.longpoll,
    "framings": devices.framings,
    "decodings": devices.decodings,
    "json": messages.json,
    "msgpack": messages.msgpack,
    "cbor": messages.cbor,
    "batches": messages.batches,
    "patterns": patterns.patterns,
    "permissions": patterns.permissions,
    "bridge_file": files.bridge_file,
    "router_file": files.router_file,
    "users_file": files.users_file,
    "key_file": files.key_file,
}


def corpus_of(name: str) -> list[Path]:
    """Return the files that are kept of a target."""
    return sorted((CORPUS / name).iterdir())
