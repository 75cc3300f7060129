"""Whether the head of a request is here, and what is none."""

from __future__ import annotations

import pytest

from wamplite.transports.http_head import is_whole

GET = b"GET /ws HTTP/1.1\r\nHost: here\r\n"


@pytest.mark.parametrize("head", [GET + b"\r\n", b"GET / HTTP/1.1\n\nmore", GET + b"\r\nmore"])
def test_a_head_ends_with_an_empty_line(head: bytes) -> None:
    assert is_whole(head, 8192)


@pytest.mark.parametrize("head", [GET[:size] for size in (1, 5, len(GET) - 1, len(GET))])
def test_one_that_has_just_begun_is_not_whole(head: bytes) -> None:
    assert not is_whole(head, 8192)


def test_one_that_is_too_long_is_waited_for_no_longer() -> None:
    assert not is_whole(GET, len(GET)) and is_whole(GET, len(GET) - 1)


@pytest.mark.parametrize("head", [b"\x16\x03\x01", b"PROXY TCP4 ", b"\r\n\r\n\0\r\nQUIT\n", b"1"])
def test_what_is_no_request_is_answered_at_once(head: bytes) -> None:
    assert is_whole(head, 8192)
