"""What a trace shows of a message: no secrets, bounded, and the URI of answers too."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from wamplite.core.messages import Message
from wamplite.core.parsing import parse
from wamplite.router.trace_lines import LONGEST, MOST, REMEMBERED, SECRET, Subjects, shown

HIDDEN = "do-not-tell"


@pytest.mark.parametrize(
    "array",
    [
        [5, HIDDEN, {}],
        [5, "", {"nonce": HIDDEN, "channel_binding": HIDDEN}],
        [4, "wampcra", {"challenge": HIDDEN, "salt": HIDDEN}],
        [4, "scram", {"nonce": HIDDEN, "salt": HIDDEN, "other": {"deep": HIDDEN}}],
        [1, "realm1", {"roles": {"caller": {}}, "authextra": {"pubkey": HIDDEN, "trace": HIDDEN}}],
        [2, 7, {"roles": {"dealer": {}}, "authextra": {"scram_server_signature": HIDDEN}}],
        [48, 1, {}, "com.login", [{"user": "joe", "Password": HIDDEN}], {"apiKey": HIDDEN}],
        [36, 1, 2, {}, [], {"deep": [[{"access_token": HIDDEN}]]}],
    ],
)
def test_no_secret_is_shown(array: list[Any]) -> None:
    array_shown = shown(parse(array), False)
    assert HIDDEN not in str(array_shown) and SECRET in str(array_shown)
    assert array_shown[0] == array[0]


def test_what_is_no_secret_is_shown_as_it_is() -> None:
    extra = {"iterations": 1000, "keylen": 32, "kdf": "pbkdf2"}
    assert shown(parse([4, "wampcra", {**extra, "salt": "x"}]), False)[2] == {
        **extra,
        "salt": "***",
    }
    for array in (
        [48, 1, {"timeout": 5}, "com.add", [1, 2.5, None, True], {"unit": "C"}],
        [32, 1, {}, "a"],
    ):
        assert shown(parse(array), False) == array


def test_the_payload_of_a_secret_procedure_is_not_shown() -> None:
    assert shown(parse([68, 1, 2, {}, ["ticket"], {"a": 1}]), True) == [68, 1, 2, {}, [SECRET]]
    assert shown(parse([70, 1, {}]), True) == [70, 1, {}, [SECRET]]
    assert shown(parse([34, 1, 2]), True) == [34, 1, 2]


def test_a_large_message_is_shown_in_part_and_in_no_time() -> None:
    many = [[n] * 10 for n in range(200_000)]
    begun = time.perf_counter()
    array = shown(parse([16, 1, {}, "com.t", many, {"k" * 500: "x" * 10**6, "b": b"12345"}]), False)
    assert time.perf_counter() - begun < 0.05
    assert len(str(array)) < 60 * MOST
    assert array[4][-1].startswith("... ") and array[4][-1].endswith(" more")
    array = shown(parse([16, 1, {}, "com.t", ["x" * 500, b"12345"], {"k" * 500: 1}]), False)
    assert array[4] == ["x" * LONGEST + "...", "5 bytes"] and list(array[5]) == [
        "k" * LONGEST + "..."
    ]
    keys = {str(n): n for n in range(100)}
    cut = shown(parse([16, 1, {}, "com.t", [], keys]), False)[5]
    assert cut["..."] == f"{100 - (len(cut) - 1)} more"


def subjects() -> Subjects:
    records = {1: SimpleNamespace(uri="com.topic"), 2: SimpleNamespace(uri="com..any")}
    return Subjects(records, {5: SimpleNamespace(uri="com.add")})


def message(*array: Any) -> Message:
    return parse(list(array))


def test_answers_are_about_what_their_request_was() -> None:
    of = subjects().of
    assert of(7, message(32, 1, {}, "com.topic"), True) == "com.topic"
    assert of(7, message(33, 1, 1), False) == "com.topic"
    assert of(7, message(48, 2, {}, "com.add"), True) == "com.add"
    assert of(7, message(49, 2, {}), True) == "com.add", "CANCEL"
    assert of(7, message(50, 2, {"progress": True}), False) == "com.add"
    assert of(7, message(50, 2, {}), False) == "com.add"
    assert of(7, message(50, 2, {}), False) == "", "it was answered"
    assert of(7, message(64, 3, {}, "com.none"), True) == "com.none"
    assert of(7, message(8, 64, 3, {}, "wamp.error.x"), False) == "com.none"
    assert of(7, message(16, 4, {"acknowledge": True}, "com.topic"), True) == "com.topic"
    assert of(7, message(17, 4, 99), False) == "com.topic"
    assert of(7, message(34, 5, 1), True) == of(7, message(35, 5), False) == "com.topic"
    assert of(7, message(66, 6, 5), True) == of(7, message(67, 6), False) == "com.add"


def test_events_and_invocations_are_about_what_they_tell_or_their_record() -> None:
    of = subjects().of
    assert of(7, message(36, 1, 9, {}), False) == "com.topic"
    assert of(7, message(36, 2, 9, {"topic": "com.x.any"}), False) == "com.x.any"
    assert of(7, message(36, 3, 9, {}), False) == "", "a subscription that has gone"
    assert of(7, message(68, 1, 5, {}), False) == of(7, message(69, 1, {}), False) == "com.add"
    assert of(7, message(70, 1, {"progress": True}), True) == "com.add"
    assert of(7, message(70, 1, {}), True) == "com.add"
    assert of(7, message(68, 2, 6, {"procedure": "com.p"}), False) == "com.p"
    assert of(7, message(8, 68, 2, {}, "wamp.error.x"), True) == "com.p"
    assert of(7, message(6, {}, "wamp.close.normal"), True) == ""


def test_sessions_and_directions_are_kept_apart() -> None:
    of = subjects().of
    assert of(7, message(48, 1, {}, "com.a"), True) == "com.a"
    assert of(8, message(48, 1, {}, "com.b"), True) == "com.b"
    assert of(7, message(68, 1, 5, {}), False) == "com.add"
    assert of(7, message(50, 1, {}), False) == "com.a"
    assert of(7, message(70, 1, {}), True) == "com.add"
    assert of(8, message(50, 1, {}), False) == "com.b"


def test_requests_that_nobody_answers_are_forgotten() -> None:
    found = subjects()
    for request in range(1, REMEMBERED + 11):
        found.of(7, message(48, request, {}, "com.a"), True)
    assert found.of(7, message(50, 10, {}), False) == ""
    assert found.of(7, message(50, 11, {}), False) == "com.a"
