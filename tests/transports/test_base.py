"""The promises of a transport."""

from __future__ import annotations

import pytest

from wamplite.transports.base import Transport
from wamplite.transports.rawsocket import RawSocket


def test_a_transport_that_lacks_a_verb_cannot_be_made() -> None:
    class Half(Transport):
        def frame(self, payload: bytes) -> bytes:
            return payload

    with pytest.raises(TypeError, match="receive"):
        Half()  # type: ignore[abstract]


def test_the_promises_have_words_and_rawsocket_keeps_them_all() -> None:
    for verb in Transport.__abstractmethods__:
        assert getattr(Transport, verb).__doc__
        assert callable(getattr(RawSocket, verb))
