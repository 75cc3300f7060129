"""Batches, without a transport."""

from __future__ import annotations

import pytest

from wamplite.core.errors import ProtocolError
from wamplite.transports.batches import LARGEST, MOST, choose, cut, pack, split, unpack


def test_a_batch_of_text_ends_each_message_with_a_record_separator() -> None:
    batch = pack(True, b"[1]") + pack(True, b"[2]")
    assert batch == b"[1]\x1e[2]\x1e"
    assert unpack(True, batch) == [b"[1]", b"[2]"]


def test_a_batch_of_octets_begins_each_message_with_its_size() -> None:
    batch = pack(False, b"\x91\x1e") + pack(False, b"\x92")
    assert batch == b"\0\0\0\2\x91\x1e\0\0\0\1\x92"
    assert unpack(False, batch) == [b"\x91\x1e", b"\x92"]


@pytest.mark.parametrize(
    ("is_text", "batch", "why"),
    [
        (True, b"", "without a message"),
        (False, b"", "without a message"),
        (True, b"[1]", "does not end with the octet 0x1E"),
        (True, b"[1]\x1e[2]", "does not end with the octet 0x1E"),
        (True, b"[1]\x1e\x1e", "a message of no octets"),
        (False, b"\0\0\0\0", "a message of no octets"),
        (False, b"\0\0\0", "ends within a message"),
        (False, b"\0\0\0\2\x91", "ends within a message"),
        (False, b"\0\0\0\1\x91\0", "ends within a message"),
        (False, b"\xff\xff\xff\xff\x91", "ends within a message"),
    ],
)
def test_what_is_no_batch_is_refused(is_text: bool, batch: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        unpack(is_text, batch)


@pytest.mark.parametrize("is_text", [True, False])
def test_the_number_of_messages_is_bounded(is_text: bool) -> None:
    assert len(unpack(is_text, pack(is_text, b"[]") * MOST)) == MOST
    with pytest.raises(ProtocolError, match=f"over {MOST} messages"):
        unpack(is_text, pack(is_text, b"[]") * (MOST + 1))


def test_the_name_of_a_subprotocol_says_whether_it_is_batched() -> None:
    assert split("json") == ("json", False)
    assert split("msgpack.batched") == ("msgpack", True)


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (["wamp.2.cbor", "wamp.2.json.batched", "wamp.2.json"], "json.batched"),
        (["json", "wamp.2.", "wamp.2.batched", "wamp.2.msgpack", "wamp.2.json"], "msgpack"),
        ([7, None, ["wamp.2.json"], "WAMP.2.JSON", "wamp.2.json.batched.batched"], None),
        ([], None),
    ],
)
def test_the_first_subprotocol_that_is_served_is_chosen(
    asked: list[object], chosen: str | None
) -> None:
    assert choose(asked, ("json", "msgpack")) == chosen


def test_a_batch_is_cut_where_it_grows_large() -> None:
    half = b"x" * (LARGEST // 2)
    assert list(cut([half, half, b"y"])) == [[half, half], [b"y"]]
    assert list(cut([b"y", half * 3, b"z"])) == [[b"y"], [half * 3], [b"z"]]
    assert list(cut([])) == []
