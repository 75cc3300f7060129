"""Messages: their codes, their names, and that they are built alike in both ways."""

from __future__ import annotations

from typing import Any

import pytest

from wamplite.core import messages
from wamplite.core.messages import CODES, NAMES, build, name, name_of

# Code, name and elements, as the specification's section "Messages" lists them.
LISTED = """
    1 HELLO realm details
    2 WELCOME session details
    3 ABORT details reason args kwargs
    4 CHALLENGE authmethod extra
    5 AUTHENTICATE signature extra
    6 GOODBYE details reason
    8 ERROR request_type request details error args kwargs
    16 PUBLISH request options topic args kwargs
    17 PUBLISHED request publication
    32 SUBSCRIBE request options topic
    33 SUBSCRIBED request subscription
    34 UNSUBSCRIBE request subscription
    35 UNSUBSCRIBED request details
    36 EVENT subscription publication details args kwargs
    48 CALL request options procedure args kwargs
    49 CANCEL request options
    50 RESULT request details args kwargs
    64 REGISTER request options procedure
    65 REGISTERED request registration
    66 UNREGISTER request registration
    67 UNREGISTERED request details
    68 INVOCATION request registration details args kwargs
    69 INTERRUPT request options
    70 YIELD request options args kwargs
    337 EVENT_RECEIVED publication
"""
ROWS = [(int(row.split()[0]), *row.split()[1:]) for row in LISTED.strip().splitlines()]


def test_the_messages_are_those_of_the_specification() -> None:
    assert [(CODES[kind], name(kind), *kind._fields) for kind in CODES] == ROWS
    assert dict(NAMES) == {row[0]: row[1] for row in ROWS}


def test_every_tuple_of_the_file_has_its_code() -> None:
    tuples = {kind for kind in vars(messages).values() if hasattr(kind, "_fields")}
    assert tuples == set(CODES)


def test_a_message_tells_its_name() -> None:
    assert name_of(messages.EventReceived(7)) == "EVENT_RECEIVED"


@pytest.mark.parametrize("kind", CODES, ids=lambda kind: kind.__name__)
def test_both_ways_build_the_same_message(kind: Any) -> None:
    elements = range(len(kind._fields))
    built = build(kind, elements)
    assert type(built) is kind
    assert built == kind(*elements)
