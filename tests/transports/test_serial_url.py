"""What a serial URL may say."""

from __future__ import annotations

import pytest

from wamplite.core.errors import UsageError
from wamplite.transports.serial_url import Address, parse


def test_a_path_alone_has_the_defaults_of_its_end() -> None:
    assert parse("serial:///dev/ttyUSB0") == Address(
        "/dev/ttyUSB0", 115200, max_receive=2048, max_send=1024
    )
    address = parse("serial:///dev/ttyUSB0", listening=True)
    assert (address.max_receive, address.max_send) == (1024, 2048)
    assert (address.authrole, address.realm, address.call_timeout) == ("device", "", 30)


def test_every_key_is_read() -> None:
    url = "serial:///dev/a%20b?baud=9600&rtscts=1&max_receive=64&max_send=4096&authid=x&authrole=y"
    assert parse(f"{url}&realm=z&call_timeout=0") == Address(
        "/dev/a b", 9600, True, 64, 4096, "x", "y", "z", 0
    )


def test_names_of_udev_are_taken_as_they_are() -> None:
    address = parse("serial:///dev/serial/by-path/platform-3f980000.usb-usb-0:1.4:1.0-port0")
    assert address.device == "/dev/serial/by-path/platform-3f980000.usb-usb-0:1.4:1.0-port0"
    assert address.name == "platform-3f980000.usb-usb-0:1.4:1.0-port0"


def test_the_url_comes_back_without_defaults() -> None:
    url = "serial:///dev/ttyS0?baud=9600&rtscts=1&authid=x"
    assert parse(url).url == url
    assert parse("serial:///dev/ttyS0").url == "serial:///dev/ttyS0?baud=115200"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("serial://", "expected serial:///dev/NAME"),
        ("serial:///", "expected serial:///dev/NAME"),
        ("serial://dev/ttyUSB0", "expected serial:///dev/NAME"),
        ("serial:///dev/ttyUSB0#1", "expected serial:///dev/NAME"),
        ("serial:///dev/ttyUSB0?boud=9600", "unknown key boud; did you mean baud"),
        ("serial:///dev/ttyUSB0?device=x", "unknown key device"),
        ("serial:///dev/ttyUSB0?x=1", "there are baud, rtscts"),
        ("serial:///dev/ttyUSB0?baud=", "baud must be 50 to 4000000, not ''"),
        ("serial:///dev/ttyUSB0?baud=-9600", "baud must be 50"),
        ("serial:///dev/ttyUSB0?baud=49", "baud must be 50"),
        ("serial:///dev/ttyUSB0?baud=²", "baud must be 50"),
        ("serial:///dev/ttyUSB0?rtscts=yes", "rtscts must be 0 or 1"),
        ("serial:///dev/ttyUSB0?max_send=10", "max_send must be 64"),
    ],
)
def test_what_cannot_be_meant_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse(url)
