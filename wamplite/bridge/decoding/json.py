"""JSON: an object's members as keyword arguments, any other value as the only argument."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from ... import serializers
from ...core.errors import ProtocolError
from .decoder import DecodeSettings, decoder_kind
from .readings import Decode, Reading, Undecodable

__all__ = ["KIND", "JsonSettings", "decode_json"]


@dataclass(frozen=True, kw_only=True)
class JsonSettings(DecodeSettings):
    """An object's members as keyword arguments; anything else as the only argument."""

    def make(self) -> Decode:
        return decode_json


def decode_json(line: bytes) -> Reading:
    """Decode a line of JSON, within what every serializer can carry to every subscriber."""
    try:
        value = _json().loads(line.strip(b"\0"))
        reading = Reading([], value, len(line)) if type(value) is dict else _one(value, line)
        serializers.check_payload(reading.args, reading.kwargs)
    except ProtocolError:  # the router would end the session: a violation
        raise Undecodable("no JSON for WAMP") from None
    return reading


@cache
def _json() -> serializers.Serializer:
    return serializers.get("json")


def _one(value: Any, line: bytes) -> Reading:
    return Reading([value], {}, len(line))


KIND = decoder_kind("json", JsonSettings)
