"""Frames of several kinds on one port: each is found, and none hides one of another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.bridge.framing.counted import told
from tests.bridge.framing.devices import of, ubx
from tests.held import held_octets
from wamplite.bridge.configuration.tables import from_dict
from wamplite.bridge.counts import Counts
from wamplite.bridge.decoding.decoder import DECODERS
from wamplite.bridge.framing.checksums import Checksum
from wamplite.bridge.framing.delimiter import Delimited
from wamplite.bridge.framing.fixed import Fixed
from wamplite.bridge.framing.frame import DeviceFrame
from wamplite.bridge.framing.length import LengthPrefixed
from wamplite.bridge.framing.mixed import Mixed, MixedSettings
from wamplite.bridge.framing.proof import Proof
from wamplite.bridge.intake import Intake
from wamplite.core.errors import UsageError

NMEA = {
    "kind": "delimiter", "start": "$", "delimiter": "*", "trailer": 2, "max_bytes": 80,
    "keep": True, "checksum": {"kind": "xor", "format": "hex", "over": [0, -3]},
}  # fmt: skip
UBX = {
    "kind": "length", "start": "\xb5b", "length_offset": 2, "length_bytes": 2, "max_bytes": 100,
    "byteorder": "little", "length_adjust": 2, "keep": True, "checksum": "fletcher8",
}  # fmt: skip


def made(*framings: dict[str, Any]) -> Mixed:
    port = {"name": "p", "device": "/dev/x", "framing": list(framings)}
    framing = from_dict({"port": [port]}).ports[0].framing.make()
    assert isinstance(framing, Mixed)
    return framing


def sentence(text: bytes) -> bytes:
    return b"$%s*%02X" % (text, of("xor", text))


HEADING = sentence(b"GPHDT,21.5,T")


def test_each_frame_is_cut_by_the_framing_whose_start_it_has() -> None:
    framing = made(NMEA, UBX)
    counts = told(framing)
    assert framing.knows_start and framing.has_lines is False and framing.gap == 0.1
    stream = [HEADING, ubx(1), ubx(2), HEADING, b"noise", HEADING]
    assert framing.feed(b"\r\n".join(stream)) == [HEADING, ubx(1), ubx(2), HEADING, HEADING]
    assert (counts["garbage"], counts["garbage_bytes"]) == (1, 5)
    assert not framing.pending


@pytest.mark.parametrize("end", [1, 5, len(HEADING) - 4])
def test_a_sentence_that_is_torn_by_a_frame_costs_itself_alone(end: int) -> None:
    framing = made(NMEA, UBX)
    counts = told(framing)
    assert framing.feed(HEADING[:end] + ubx(3) + HEADING) == [ubx(3), HEADING]
    assert (counts["garbage"], counts["garbage_bytes"]) == (1, end)


def test_a_proof_that_fits_by_chance_does_not_hide_a_frame_that_has_the_same_end() -> None:
    framing = made(NMEA, UBX)
    counts = told(framing)
    lost = b"$GPHDT," + bytes(
        [of("xor", b"GPHDT,$")]
    )  # with the next $, its checksum changes nothing
    assert framing.feed(lost + HEADING) == [HEADING]
    assert counts == {"garbage": 1, "garbage_bytes": len(lost)}


def test_a_start_within_noise_holds_up_others_for_no_longer_than_its_bound() -> None:
    framing = made(NMEA, UBX)
    counts = told(framing)
    came = framing.feed(b"$" + ubx(1))
    while not came:
        assert held_octets(framing) < 300
        came = framing.feed(ubx(1)[: 80 // 4])
    assert came == [ubx(1)]
    assert counts["overlong"] == 1


def test_a_pause_ends_a_frame_with_a_length_and_leaves_one_that_waits_for_its_delimiter() -> None:
    framing = made(NMEA, UBX)
    counts = told(framing)
    assert framing.feed(ubx(1)[:9] + HEADING) == []
    assert framing.pending
    assert framing.idle() == [HEADING]
    assert (counts["garbage"], counts["garbage_bytes"], framing.pending) == (1, 6, False)  # no 00
    assert framing.feed(HEADING[:5]) == []
    assert framing.pending
    assert framing.idle() == []
    assert not framing.pending  # nobody need be called again for it
    assert framing.feed(HEADING[5:] + b"\xb5") == [HEADING]
    assert framing.pending
    framing.idle()
    assert framing.feed(b"b" + ubx(2)) == [ubx(2)]
    assert (counts["garbage"], counts["garbage_bytes"]) == (2, 8)
    framing.feed(HEADING[:5])
    framing.idle()
    framing.reset()
    assert counts["cut off"] == 1


def test_what_is_lost_leaves_nothing_behind_and_a_run_of_refuted_frames_counts_once() -> None:
    framing = made(NMEA, UBX)
    counts = told(framing)
    assert not framing.pending
    assert framing.feed(HEADING[:-1] + b"?" + HEADING[:-1] + b"?" + HEADING) == [HEADING]
    assert counts == {"wrong checksum": 1, "garbage_bytes": 2 * len(HEADING)}
    framing.feed(b"noise" + HEADING[:5])
    framing.idle()
    framing.reset()
    framing.reset()
    assert framing.feed(HEADING[5:] + HEADING[:5]) == []
    assert framing.pending
    del counts["garbage_bytes"]
    assert counts == {"wrong checksum": 1, "garbage": 2, "cut off": 1}


def test_lines_beside_lines_are_lines_and_the_longest_gap_holds() -> None:
    text = {"kind": "delimiter", "delimiter": "\n"}
    framing = [{**text, "start": "#"}, {**text, "start": ">"}]
    assert made(*framing).has_lines
    assert made(*framing).gap == 0
    port = {"name": "p", "device": "/dev/x", "framing": [NMEA, {**UBX, "gap": 0.5}, UBX]}
    settings = from_dict({"port": [port]}).ports[0].framing
    assert isinstance(settings, MixedSettings)
    assert settings.gap == settings.make().gap == 0.5
    assert MixedSettings(parts=settings.parts[:1]).gap == 0


def test_of_one_start_the_first_framing_that_finds_a_frame_has_it() -> None:
    summed = Fixed(3, b"<", proof=Proof((Checksum("sum8"),)))
    framing = Mixed([summed, LengthPrefixed(1, start=b"<<", max_bytes=4), Delimited(b">", b"<")])
    counts = told(framing)
    assert framing.feed(b"<") == framing.feed(b"<") == []
    frames = framing.feed(b"\x02hi" + b"<ab\xc3" + b"<abc>" + b"<\x01\x02\x03")
    assert frames == [b"hi", b"ab\xc3", b"abc", b"\x01\x02\x03"]
    assert isinstance(frames[0], DeviceFrame) and frames[0].header == b"<<\x02"
    assert not counts


def test_a_second_start_means_that_an_end_was_lost_where_nothing_else_tells() -> None:
    framing = Mixed([Delimited(b">", b"<"), Fixed(2, b"#")])
    counts = told(framing)
    assert framing.feed(b"<half<whole>#ab<>#cd") == [b"whole", b"ab", b"cd"]
    assert (counts["garbage"], counts["garbage_bytes"]) == (1, 5)


def test_a_flag_may_be_shared_beside_other_frames() -> None:
    framing = Mixed([Delimited(b"~", b"~", keep=True), Fixed(2, b"#")])
    counts = told(framing)
    assert framing.feed(b"#ab~one~two~~three~") == [b"ab", b"~one~", b"~two~", b"~three~"]
    framing.reset()
    assert not counts


def test_an_aside_within_a_frame_is_no_part_of_it() -> None:
    framing = Mixed([Delimited(b">", b"<", aside=(b":", b"\n")), Fixed(2, b"#")])
    assert framing.feed(b"<a:#1\nb>#cd<e") == [b"ab", b"cd"]
    assert framing.feed(b":#4") == []
    assert framing.feed(b"56\nf>") == [b"ef"]


def test_the_first_frame_after_an_opening_is_dropped_unless_all_framings_know_theirs() -> None:
    for checksum, counted in (("fletcher8", {}), (None, {"first line": 1})):
        second = {key: value for key, value in {**UBX, "checksum": checksum}.items() if value}
        counts, readings = Counts(), list[Any]()
        decoder = DECODERS["bytes"].made().decoder()
        intake = Intake(made(NMEA, second), decoder, counts, readings.extend)
        intake.opened()
        intake.received(HEADING + ubx(1))
        assert counts.dropped == counted
        assert len(readings) == 2 - len(counted)


@pytest.mark.parametrize(
    ("framing", "words"),
    [
        ([], "framing: names no framing"),
        ([NMEA, "lines"], 'framing 2: expected a "start"'),
        ([{"kind": "fixed", "size": 3}, UBX], 'framing 1: expected a "start"'),
        ([NMEA, {**UBX, "keeps": True}], "framing 2: keeps: unknown key"),
        ([3], "framing 1: expected a text or a table, not 3"),
    ],
)
def test_framings_that_cannot_stand_beside_others_are_refused(framing: Any, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        from_dict({"port": [{"name": "p", "device": "/dev/x", "framing": framing}]})
    assert words in str(refused.value)


def test_a_record_must_fit_one_of_the_framings() -> None:
    fixed = {"kind": "fixed", "start": "#", "size": 8}
    port = {"name": "p", "device": "/dev/x", "framing": [fixed, {**fixed, "size": 12}]}
    for layout, fits in (("<4H", True), ("<6H", True), ("<20B", False)):
        decode = {"kind": "struct", "format": layout}
        try:
            from_dict({"port": [{**port, "decode": decode}]})
        except UsageError as refused:
            assert not fits and "wants frames of 20 bytes" in str(refused)
        else:
            assert fits
