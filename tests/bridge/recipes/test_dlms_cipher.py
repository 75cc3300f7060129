"""Encrypted telegrams of the HAN port: read with the keys of the meter, and never without them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.recipes.meters import ciphered, hdlc, notification
from tests.bridge.recipes.test_meters import KAIFA, KAIFA_VALUES, decoder
from wamplite.bridge.decoding.readings import Undecodable
from wamplite.core.errors import UsageError

KEY, AUTHENTICATION = bytes(range(16)), bytes(range(0xD0, 0xE0))
PLAIN = notification((("I", 3966),))
BOTH = f"{KEY.hex()}\n{AUTHENTICATION.hex()}\n"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    import dlms_cipher

    path = tmp_path / "han.keys"
    path.write_text(BOTH)
    path.chmod(0o600)
    monkeypatch.setenv("HAN_KEYS", str(path))
    dlms_cipher.keys.cache_clear()
    yield path
    dlms_cipher.keys.cache_clear()


def values(told: bytes) -> Any:
    return decoder("han")(hdlc(told))


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("control", "authentication"), [(0x30, AUTHENTICATION), (0x20, None)], ids=["tag", "no tag"]
)
def test_a_telegram_is_read_with_the_keys(control: int, authentication: bytes | None) -> None:
    assert values(ciphered(PLAIN, KEY, authentication, control)) == {"power": 3966}
    long = KAIFA[1 + 8 + 3 : -3]
    assert len(long) > 127
    assert values(ciphered(long, KEY, authentication, control)) == KAIFA_VALUES


def test_a_meter_without_an_authentication_key_needs_none(keys: Path) -> None:
    keys.write_text(KEY.hex())
    assert values(ciphered(PLAIN, KEY, None, 0x20)) == {"power": 3966}
    assert values(ciphered(PLAIN, KEY, b"", 0x30)) == {"power": 3966}


def test_the_example_of_the_green_book_is_read(keys: Path) -> None:
    """Keys, title, counter and telegram: DLMS UA 1000-2, get-request with ciphering."""
    from dlms_cipher import opened

    body = "30 01234567 411312FF935A47566827C467BC7D825C3BE4A77C3FCC056B6B"
    told = bytes.fromhex(f"DB 08 4D4D4D0000BC614E 1E {body}")
    assert opened(told).hex().upper() == "C0010000080000010000FF0200"


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("told", "why"),
    [
        (ciphered(PLAIN, bytes(16), AUTHENTICATION, 0x30), "encrypted: the keys do not fit"),
        (ciphered(PLAIN, KEY, bytes(16), 0x30), "encrypted: the keys do not fit"),
        (ciphered(PLAIN, bytes(16), None, 0x20), "encrypted: the keys do not fit"),
        (ciphered(PLAIN, KEY, AUTHENTICATION, 0x31), "encrypted in another way"),
        (ciphered(PLAIN, KEY, AUTHENTICATION, 0x10), "encrypted in another way"),
        (ciphered(PLAIN, KEY, AUTHENTICATION, 0xB0), "encrypted in another way"),
        (ciphered(PLAIN, KEY, AUTHENTICATION, 0x30)[:-1], "encrypted in another way"),
        (b"\xdb", "no list of the HAN port"),
        (ciphered(notification(("I", 1)), KEY, AUTHENTICATION, 0x30), "no list of the HAN port"),
    ],
)
def test_what_cannot_be_read_is_refused_by_a_reason(told: bytes, why: str) -> None:
    with pytest.raises(Undecodable) as refused:
        values(told)
    assert refused.value.reason == why


@pytest.mark.usefixtures("keys")
def test_a_flipped_bit_is_no_value() -> None:
    told = ciphered(PLAIN, KEY, AUTHENTICATION, 0x30)
    for at in range(len(told)):
        with pytest.raises(Undecodable):
            values(told[:at] + bytes([told[at] ^ 4]) + told[at + 1 :])


def test_keys_that_others_may_read_are_refused(keys: Path) -> None:
    keys.chmod(0o644)
    with pytest.raises(UsageError, match="secret file"):
        values(ciphered(PLAIN, KEY, AUTHENTICATION, 0x30))
