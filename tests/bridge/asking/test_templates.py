"""What is written to a device for the arguments of a call."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wamplite.bridge.asking.templates import make_template
from wamplite.bridge.framing.checksums import KINDS
from wamplite.core.errors import InvalidArgument, UsageError


@pytest.mark.parametrize(
    ("template", "args", "kwargs", "data"),
    [
        ("FAN {0:d}\n", [20], {}, b"FAN 20\n"),
        ("LED {0:d}\n", [True], {}, b"LED 1\n"),
        ("LED {0}\n", [False], {}, b"LED 0\n"),
        ("SET {name}={value:.1f};", [], {"name": "a", "value": 2}, b"SET a=2.0;"),
        ("READ?\r\n", [], {}, b"READ?\r\n"),
        ("SAY {0:>5}\n", ["é"], {}, "SAY     é\n".encode()),
        ("{{{0}}}", [1], {}, b"{1}"),
        ("{0}", [b"\x00\xff\n"], {}, b"\x00\xff\n"),
        ("{text}", [], {"text": "two\nlines"}, b"two\nlines"),
        ("{0}", [1.5], {}, b"1.5"),
        ("{1}", [1, 2], {}, b"2"),
        ("SAY {0:s} {1:>4s}\n", [20, 1.5], {}, b"SAY 20  1.5\n"),
        ("$01M{sum8:hex}\r", [], {}, b"$01MD2\r"),
        ("#01{0:02X}{sum8:hex}\r", [5], {}, b"#0105E9\r"),
        ("#01{0:02X}\r", [255], {}, b"#01FF\r"),
        ("#01{0:*>3x}\r", [255], {}, b"#01*ff\r"),
        ("#01{0:X}\r", [256], {}, b"#01100\r"),
        ("#01{0:+03X}\r", [-1], {}, b"#01-01\r"),
        ("POP{0:02d}{crc16-voltronic}\r", [2], {}, b"POP02\xe2\x0b\r"),
        (":{0}{crc16-modbus:hex<1}\n", ["é"], {}, b":\xc3\xa9913E\n"),
        ("\x02{0}{xor:1}\x03", ["a"], {}, b"\x02aa\x03"),
        ("{0}{sum8}", ["a"], {}, b"aa"),
    ],
)
def test_arguments_are_filled_in(
    template: str, args: list[Any], kwargs: dict[str, Any], data: bytes
) -> None:
    assert make_template(template)(args, kwargs) == data


def test_the_encoding_is_the_devices() -> None:
    assert make_template("\x02{0}°\x03", "latin-1")(["ä"], {}) == b"\x02\xe4\xb0\x03"


@pytest.mark.parametrize(
    ("template", "args", "why"),
    [
        ("FAN {0:d}\n", [], "argument 0 is missing"),
        ("FAN {speed}\n", [1], "keyword argument speed is missing"),
        ("FAN {0:d}\n", ["20"], "'20' does not fit {:d}: expected a whole number"),
        ("FAN {0:d}\n", [1.5], "1.5 does not fit {:d}: expected a whole number"),
        ("FAN {0:.1f}\n", ["x"], "'x' does not fit {:.1f}: expected a number"),
        ("FAN {0}\n", ["1\nOFF"], "control characters"),
        ("FAN {0}\n", [[1]], "text or a number, not list"),
        ("FAN {0}\n", [b"1"], "text or a number, not bytes"),
        ("FAN {0}\n", [None], "not NoneType"),
        ("FAN {0:s}\n", [None], "not NoneType"),
        ("FAN {0:s}\n", [True], "True does not fit {:s}: expected text"),
        ("FAN {0:s}{sum8:hex}\n", ["1\nOFF"], "control characters"),
        ("#01{0:02X}\r", [256], "256 does not fit {:02X}: expected 2 hexadecimal digits"),
        ("#01{0:#04x}\r", [256], "256 does not fit"),
        ("#01{0:0>2X}\r", [256], "256 does not fit"),
        ("#01{0:4X}\r", [0x10000], "65536 does not fit"),
        ("#01{0:02X}\r", [-1], "-1 does not fit"),
        ("#01{0:4x}\r", [-1], "-1 does not fit"),
        ("{0}", [None], "not NoneType"),
        ("{0}", ["x" * 5000], "at most"),
        ("{0}", [], "is missing"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(template: str, args: list[Any], why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        make_template(template)(args, {})


def test_text_that_the_device_cannot_read_is_refused() -> None:
    for template in ("{0}", "SAY {0}\n"):
        with pytest.raises(InvalidArgument):
            make_template(template, "ascii")(["é"], {})


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(("order", "form"), [("big", ""), ("big", ">"), ("little", "<")])
def test_every_checksum_is_written_as_bytes_and_as_digits(
    kind: str, order: Literal["big", "little"], form: str
) -> None:
    width, compute = KINDS[kind]
    template = f"x{{0}}{{{kind}:{form}1}}:{{{kind}:hex{form}1}}"
    data = make_template(template, "latin-1")(["ä1"], {})
    told = compute("ä1".encode("latin-1")).to_bytes(width, order)
    end = b"x\xe41" + told + b":"
    assert data == end + compute(end[1:]).to_bytes(width, order).hex().upper().encode()


@pytest.mark.parametrize("form", ["x", "hex1<", "<hex", "-1", "HEX"])
def test_a_checksum_in_a_format_that_there_is_not_is_refused(form: str) -> None:
    with pytest.raises(UsageError, match="write: {sum8:.*expected hex"):
        make_template(f"A{{sum8:{form}}}")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("$01M{sum:hex}\r", "{sum:hex}: sum is no checksum; there are sum8, sum8-negated,"),
        ("$01M{crc16:<1}{sum:hex}", "{sum:hex}: sum is no checksum; there are sum8,"),
        ("$01M{0:hex}\r", "{0:hex}: expected a format of Python for a text or a number, such as"),
        ("{speed:Q}", "{speed:Q}: expected a format of Python"),
        ("{0:9999999999}", "{0:9999999999}: expected a format of Python"),
        ("{sum8:hex}$01M\r", "{sum8:hex}: covers nothing: it is the checksum of what"),
        ("{sum8}", "{sum8}: covers nothing"),
        ("$01M{sum8:hex9}", "{sum8:hex9}: covers nothing: it is the checksum of what stands before"
                            " it, 4 bytes, from position 9 on"),
        ("$01M{sum8:hex4}", "covers nothing"),
        ("é{sum8:1}{sum8:3}", "{sum8:3}: covers nothing"),
    ],
)  # fmt: skip
def test_a_field_that_nothing_can_fill_is_refused(template: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        make_template(template)
    assert words in str(told.value)


def test_a_checksum_may_cover_what_comes_of_an_argument() -> None:
    assert make_template("$01M{sum8:hex3}")([], {}) == b"$01M4D"
    assert make_template("$01M{0}{sum8:hex4}")(["M"], {}) == b"$01MM4D"


@pytest.mark.parametrize("template", ["{", "{}", "{0.real}", "{0[1]}", "{0!r}", "{0:{1}}"])
def test_a_template_that_reaches_into_its_arguments_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match="write"):
        make_template(template)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@given(st.sampled_from(["A {0}\n", "A {0:d}\n", "A {0:5}\n", "A {0:.2f}\n"]), VALUES)
def test_no_argument_adds_a_line(template: str, value: Any) -> None:
    try:
        data = make_template(template)([value], {})
    except InvalidArgument:
        return
    assert data.count(b"\n") == 1 and b"\r" not in data
