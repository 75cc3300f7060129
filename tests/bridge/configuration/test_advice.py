"""Whoever follows a complaint about an unknown key to the letter has a file without it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from wamplite.bridge.configuration import reference
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.framing.framing import FRAMINGS
from wamplite.config import toml
from wamplite.core.errors import UsageError
from wamplite.reference import Place, example_of, plain

ABOVE = ", above its first table"
PLACES = {place.header: place for place in reference.places()}
KINDS = {"framing": FRAMINGS, "decode": DECODERS, "reply": DECODERS, "error": DECODERS}
# Each key, as a file may say it
LINES = {name: example_of(key) for kinds in (FRAMINGS, DECODERS) for table in kinds.values()
         for name, key in table.declared.items()}  # fmt: skip
LINES |= {name: example_of(key) for place in PLACES.values()
          for name, key in plain(place.table).items()}  # fmt: skip


def complaints(text: str) -> list[str]:
    loads, _ = toml()
    try:
        from_dict(loads(text))
    except UsageError as refused:
        return str(refused).splitlines()
    return []


def up_to(place: Place) -> str:
    """Return the headers down to a table."""
    ends = [PLACES.get(f"[[{name}]]") or PLACES[f"[{name}]"] for name in outer(place)]
    return "".join(f"{end.header}\n" for end in ends)


def outer(place: Place) -> Iterator[str]:
    return (".".join(place.path[:number]) for number in range(1, len(place.path) + 1))


def advised(text: str) -> Iterator[tuple[str, str]]:
    """Yield each key that is unknown where it stands, and each place that is named for it."""
    for line in complaints(text):
        found = re.search(r"(\w+): unknown key here; it belongs in (.*)", line)
        if found:
            places = re.split(r" or (?=\[|\w+ =|the )", found[2].removesuffix(ABOVE))
            yield from ((found[1], place) for place in places)


def followed(key: str, advice: str) -> list[str]:
    """Return files that do as the advice says."""
    inline = re.fullmatch(r"(\w+) = \{kind = (.*), \w+ = \.\.\.\} of (.*)", advice)
    if inline is None:
        return [f"{up_to(PLACES[advice])}{key} = {LINES[key]}\n"]
    name, kinds, header = inline.groups()
    told = [f'"{kind}"' for kind in KINDS[name]] if kinds == "..." else kinds.split(" or ")
    tables = [f"{name} = {{kind = {kind}, {key} = {LINES[key]}}}\n" for kind in told]
    return [up_to(PLACES[header]) + table for table in tables]


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_each_piece_of_advice_is_right_when_it_is_followed(place: Place) -> None:
    unknown = [key for key in LINES if key not in place.table.keys and key != "kind"]
    text = up_to(place) + "".join(f"{key} = {LINES[key]}\n" for key in unknown)
    seen = dict.fromkeys(advised(text))
    assert seen
    for key, advice in seen:
        for file in followed(key, advice):
            wrong = [line for line in complaints(file) if f"{key}: unknown key" in line]
            assert not wrong, file


def test_a_key_of_another_kind_of_framing_is_told_with_its_kind() -> None:
    text = '[[port]]\nname = "p"\ndevice = "/dev/x"\nframing = {kind = "lines", size = 8}\n'
    said = 'it belongs in framing = {kind = "fixed", size = ...} of [[port]]'
    assert said in complaints(text)[0]


def test_a_key_of_a_decoder_is_told_with_its_kind() -> None:
    said = 'it belongs in decode = {kind = "regex", pattern = ...} of [[port]]'
    assert any(said in line for line in complaints("[[port]]\npattern = '(.*)'\n"))


def test_a_table_that_was_put_into_the_wrong_one_is_advised_alike() -> None:
    text = '[[port]]\nname = "p"\n[[port.subscribe]]\n[[port.subscribe.then]]\nwrite = "x"\n'
    said = "then: unknown key here; it belongs in [[port.init]] or [[port.procedure]]"
    assert any(said in line for line in complaints(text)), complaints(text)


def test_a_key_of_an_enclosing_table_belongs_above_those_within() -> None:
    head = '[[port]]\nname = "p"\ndevice = "/dev/x"\n'
    publish = '[[port.publish]]\ntopic = "a.b"\n'
    (line,) = complaints(f"{head}{publish}silence = 5\n")
    assert line.endswith(f"silence: unknown key here; it belongs in [[port]]{ABOVE}")
    assert complaints(f"{head}silence = 5\n{publish}") == []


def test_a_table_of_the_file_is_told_as_its_header() -> None:
    text = '[[port]]\nname = "p"\ndevice = "/dev/x"\n[port.buffer]\ninclude = "x"\n'
    (line,) = complaints(text)
    assert line.endswith("buffer: unknown key here; it belongs in the file, as [buffer]")


def test_a_number_is_not_advised_to_stand_where_a_table_does() -> None:
    (line,) = complaints(
        '[[port]]\nname = "p"\ndevice = "/dev/x"\n'
        'framing = {kind = "lines", checksum = {kind = "crc16-modbus", init = 0}}\n'
    )
    assert line.endswith("init: unknown key; there are: at, byteorder, format, kind, over")


def test_a_wildcard_is_asked_for_as_it_is_advised() -> None:
    text = (
        '[[port]]\nname = "p"\ndevice = "/dev/x"\n[[port.subscribe]]\nwrite = "x"\ntopic = "a..b"\n'
    )
    (line,) = complaints(text)
    _, needed = line.split("that needs ")
    assert complaints(f"{text}{needed}\n") == []
