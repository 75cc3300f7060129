"""Replies of Modbus RTU in bytes; pure."""

from __future__ import annotations

import pytest

from wamplite.bridge.asking.rtu import Expected, Found, checksum, expected_reply, find


def sealed(text: str) -> bytes:
    """Return a telegram with its checksum."""
    body = bytes.fromhex(text)
    return body + checksum(body)


def owed(text: str) -> Expected:
    expected = expected_reply(sealed(text))
    assert expected is not None
    return expected


READ = owed("01 04 0000 0002")
REPLY = sealed("01 04 04 43668000")


def test_the_checksum_is_that_of_the_specification() -> None:
    assert sealed("01 04 0000 0002").hex(" ") == "01 04 00 00 00 02 71 cb"


@pytest.mark.parametrize(
    ("request_", "head", "size"),
    [
        ("01 01 0000 0009", "01 01 02", 7),
        ("01 02 0000 0008", "01 02 01", 6),
        ("01 03 0000 000a", "01 03 14", 25),
        ("01 05 0003 ff00", "01 05 0003 ff00", 8),
        ("01 06 0003 1234", "01 06 0003 1234", 8),
        ("01 0f 0003 0002 01 03", "01 0f 0003 0002", 8),
        ("01 10 0003 0001 02 1234", "01 10 0003 0001", 8),
    ],
)
def test_a_request_tells_how_its_reply_begins_and_ends(request_: str, head: str, size: int) -> None:
    assert owed(request_)[1:] == (bytes.fromhex(head), size)


@pytest.mark.parametrize("data", ["00 06 0003 1234", "01 2b 0e01 0000"])
def test_who_asks_all_units_or_for_something_else_is_owed_nothing(data: str) -> None:
    assert expected_reply(sealed(data)) is None


def test_text_is_no_request() -> None:
    assert expected_reply(b"T?\n") is None
    assert expected_reply(b"SET 1 2 3\n") is None


@pytest.mark.parametrize("noise", [b"", b"\0", b"\x01", b"\x01\x04", b"\xff\x01\x04\x00"])
def test_a_reply_is_found_behind_noise(noise: bytes) -> None:
    end = len(noise) + len(REPLY)
    assert find(noise + REPLY, [READ]) == Found(0, len(noise), end, True)


def test_the_request_that_an_adapter_returns_is_not_the_reply() -> None:
    request = owed("01 04 0401 0002")
    assert find(request.request + REPLY, [request]) == Found(0, 8, 17, True)
    assert find(request.request, [request], is_over=True) is None


def test_an_exception_is_a_reply() -> None:
    assert find(sealed("01 84 02"), [READ]) == Found(0, 0, 5, True)


@pytest.mark.parametrize(
    "other", ["02 04 04 43668000", "01 03 04 43668000", "01 04 02 4366", "02 84 02"]
)
def test_what_another_request_asked_for_is_not_the_reply(other: str) -> None:
    assert find(sealed(other), [READ], is_over=True) is None


def test_a_reply_that_has_begun_is_waited_for_until_the_time_is_over() -> None:
    begun = bytes.fromhex("01 04 04 43")
    assert find(begun + REPLY[:-5], [READ]) is None
    assert find(b"\x01\x04" + REPLY, [READ]) == Found(0, 2, 11, True)
    assert find(begun + REPLY, [READ], is_over=True) == Found(0, 4, 13, True)


def test_a_damaged_reply_is_told_from_a_whole_one_behind_it() -> None:
    damaged = REPLY[:-1] + b"?"
    assert find(damaged, [READ]) == Found(0, 0, 9, False)
    assert find(damaged + REPLY, [READ]) == Found(0, 9, 18, True)


def test_the_replies_to_several_requests_are_told_apart() -> None:
    other = owed("02 04 0000 0002")
    assert find(sealed("02 04 04 00000000") + REPLY, [READ, other]) == Found(1, 0, 9, True)
