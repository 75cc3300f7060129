"""The specification's own test vectors: every JSON, MsgPack and CBOR sample, every validation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.shared import files, parameters
from wamplite import serializers
from wamplite.core.errors import ProtocolError
from wamplite.core.grammar import GRAMMAR
from wamplite.core.messages import CODES, Message
from wamplite.core.parsing import parse, to_array

VECTORS = files("vectors/singlemessage/*/*.json")
RENAMED = {"method": "authmethod", "session_id": "session", "request_id": "request"}
RENAMED |= {f"{scope}_id": scope for scope in ("subscription", "publication", "registration")}


def samples(key: str) -> list[Any]:
    """Return the samples that have `key`, each named by its file and its place in it."""
    found = []
    for path in VECTORS:
        for at, sample in enumerate(json.loads(path.read_text())["samples"]):
            if key in sample:
                found.append(pytest.param(sample, id=f"{path.stem}-{at}"))
    return parameters(found)


def test_every_message_and_every_serializer_is_shown(shared: Path) -> None:
    codes = {json.loads(path.read_text())["wamp_message_code"] for path in VECTORS}
    assert codes == set(GRAMMAR)
    shown = [set(sample.values[0]["serializers"]) for sample in samples("serializers")]
    assert all(sum(name in one for one in shown) >= 19 for name in serializers.NAMES)
    judged = ["expected_error" in sample.values[0] for sample in samples("wmsg")]
    assert len(judged) >= 41
    assert sum(judged) >= 15


def assert_attributes(message: Message, expected: dict[str, Any]) -> None:
    attributes = dict(expected)
    assert CODES[type(message)] == attributes.pop("message_type")
    if "roles" in attributes:
        assert message.details["roles"] == attributes.pop("roles")  # type: ignore[union-attr]
    payload = attributes.pop("payload", None)
    if payload:
        attributes["args"] = bytes.fromhex(payload)
    for name, value in attributes.items():
        assert getattr(message, RENAMED.get(name, name)) == value


@pytest.mark.parametrize("sample", samples("serializers"))
def test_a_sample_is_read_and_written(sample: dict[str, Any]) -> None:
    messages = []
    for name in serializers.NAMES:
        for variant, message in read(sample, name):
            assert_attributes(message, sample["expected_attributes"])
            messages.append(message)
            assert serializers.get(name).dumps(to_array(message)) in variant
    assert messages
    for name in serializers.NAMES:  # also those that the sample does not show
        serializer = serializers.get(name)
        written = serializer.dumps(to_array(messages[0]))
        assert parse(serializer.loads(written)) == messages[0]


def read(sample: dict[str, Any], name: str) -> list[tuple[list[bytes], Message]]:
    """Return the messages of one serializer, each with all ways in which it may be written."""
    loads = serializers.get(name).loads
    ways = [bytes.fromhex(way["bytes_hex"]) for way in sample["serializers"].get(name, [])]
    return [(ways, parse(loads(way))) for way in ways]


@pytest.mark.parametrize("sample", samples("wmsg"))
def test_a_sample_is_judged(sample: dict[str, Any]) -> None:
    expected = sample.get("expected_error")
    if expected is None:
        message = parse(sample["wmsg"])
        assert to_array(message) == sample["wmsg"]
        return
    assert expected["type"] == "protocol_violation"
    with pytest.raises(ProtocolError) as caught:
        parse(sample["wmsg"])
    assert expected["contains"] in str(caught.value)
