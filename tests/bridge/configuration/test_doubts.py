"""Texts that may be meant to spell bytes are taken as they stand; the right spelling is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from wamplite.bridge.configuration.tables import from_dict, from_file
from wamplite.bridge.settings import PortSettings
from wamplite.spelling import in_escapes, spelled

RECIPES = sorted((Path(__file__).parents[3] / "examples/bridge").glob("*.toml"))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("0x0D", b"\r"),
        ("0x0d0x0a", b"\r\n"),
        ("0x0D, 0x0A", b"\r\n"),
        ("AA C0", b"\xaa\xc0"),
        ("aac0", b"\xaa\xc0"),
        ("7E", b"~"),
        ("<CR>", b"\r"),
        ("<cr><lf>", b"\r\n"),
        ("CRLF", b"\r\n"),
        ("STX", b"\x02"),
        ("<ACK>", b"\x06"),
        ("ACK", b""),  # a device may say so
        ("LOO", b""),
        ("BM", b""),
        ("AAC", b""),
        ("$", b""),
        ("<CR", b""),
        ("0x", b""),
        ("AA C0!", b""),
        ("\r\n", b""),
    ],
)
def test_a_text_may_spell_bytes(text: str, data: bytes) -> None:
    assert spelled(text) == data


def test_bytes_are_written_in_escapes() -> None:
    assert in_escapes(b'A"\\\r\x02\x7f\xaa') == r'"A\"\\\r\u0002\u007f\u00aa"'


def port_of(framing: object) -> PortSettings:
    data = {"port": [{"name": "p", "device": "/dev/x", "framing": framing}]}
    return from_dict(data).ports[0]


def doubts(framing: object) -> list[str]:
    at = port_of(framing).at
    assert at is not None
    return at.doubts()


def test_what_may_be_meant_otherwise_is_taken_and_told() -> None:
    framing = {"kind": "fixed", "size": 8, "start": "AA C0", "end": "0xAB"}
    assert port_of(framing).framing.make().feed(b"AA C0abcd0xAB") == [b"abcd0xAB"]
    assert sorted(doubts(framing)) == [
        "port \"p\": framing: end: '0xAB' is these 4 characters; the bytes AB would be"
        r' "\u00ab"',
        "port \"p\": framing: start: 'AA C0' is these 5 characters; the bytes AA C0 would be"
        r' "\u00aa\u00c0"',
    ]


def test_of_each_port_its_own_is_told() -> None:
    framings = [{"kind": "delimiter", "delimiter": text} for text in ("<CR>", "0x0A")]
    ports = [
        {"name": f"p{number}", "device": f"/dev/x{number}", "framing": framing}
        for number, framing in enumerate(framings)
    ]
    told = [port.at.doubts() for port in from_dict({"port": ports}).ports if port.at]
    assert [len(lines) for lines in told] == [1, 1]
    assert "<CR>" in told[0][0] and "0x0A" in told[1][0]


@pytest.mark.parametrize(
    "framing",
    [
        "lines",
        {"kind": "fixed", "size": 8, "start": b"AA"},  # a script says bytes
        {"kind": "fixed", "size": 8, "start": "\u00aa\u00c0"},
        {"kind": "delimiter", "delimiter": "!"},
    ],
)
def test_what_can_only_be_meant_so_is_not(framing: object) -> None:
    assert doubts(framing) == []


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_no_recipe_is_doubted(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(recipe.parent))
    assert [port.at.doubts() for port in from_file(recipe).ports if port.at] == [[]]
