"""The keys of a device: where it is, and how it is opened."""

from __future__ import annotations

from dataclasses import dataclass

from ...config import Location
from ...keys import TableSettings, setting
from ...schema import Flag, Number, Text, Whole
from ...units import DAY, Duration
from ..line_pattern import LinePattern
from .line_mode import PARITIES, STOP_BITS, LineMode

__all__ = ["LineSettings", "check_line", "check_stop_bits"]

ADDRESS = Text(
    pattern=r"/.+|usb:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}(:.+)?|(socket|rfc2217|loop)://.*",
    wanted="a path that begins with /, usb:VID:PID[:SERIAL], socket:// or rfc2217://HOST:PORT",
)

SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))


@dataclass(frozen=True, kw_only=True)
class LineSettings(TableSettings):
    """One device; a port that fails does not stop the others."""

    name: str = setting(
        Text(pattern="[A-Za-z0-9_-]{1,64}", wanted="a name of letters, digits, _ and -"),
        "letters, digits, `_`, `-`; used in `wamplite.bridge.<name>.status` and in logs",
        example="weather",
    )
    device: str = setting(
        ADDRESS,
        "a path, `usb:VID:PID[:SERIAL]`, `socket://HOST:PORT` or `rfc2217://HOST:PORT`",
        example="/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0",
    )
    baudrate: int = setting(Whole(50, 12_000_000), "bits per second", 9600)
    bytesize: int = setting(Whole(5, 8), "bits of a byte, 5 to 8", 8)
    parity: str = setting(Text(*PARITIES), "none, even, odd, mark or space", "N")
    stopbits: float = setting(Number(1, 2), "1, 1.5 or 2", 1)
    rtscts: bool = setting(Flag(), "hardware flow control", False)
    xonxoff: bool = setting(Flag(), "software flow control", False)
    exclusive: bool = setting(
        Flag(),
        "let no other program open the device; two readers would each get a part of the bytes",
        True,
    )
    hupcl: bool = setting(
        Flag(), "drop DTR at closing; with `false` the next opening does not reset a board", True
    )
    dtr: bool | None = setting(
        Flag(), "the level of DTR from the opening on; without it, as the system has it", None
    )
    rts: bool | None = setting(
        Flag(), "the level of RTS from the opening on; without it, as the system has it", None
    )
    rs485: bool = setting(
        Flag(),
        "RTS gives the direction of an RS-485 line, where the driver can; most adapters do it by"
        " themselves",
        False,
        excludes=("rts", "rtscts"),
    )
    strip_parity: bool = setting(
        Flag(),
        "clear the highest bit of each byte: a 7E1 device behind an adapter that knows only 8N1",
        False,
    )
    settle: float = setting(
        Duration(0, 60), "after an opening all bytes are dropped for so long: a board boots", 0.0
    )
    silence: float = setting(
        Duration(0, 365 * DAY),
        "after so long without a frame the device is closed and opened again; 0: never",
        0.0,
    )
    pause: float = setting(
        Duration(0, 60),
        "of silence before each command, behind whatever was last on the line",
        0.0,
        example=0.05,
    )
    modbus_framing: str = setting(
        Text("rtu", "tcp"),
        "of Modbus: telegrams with a checksum, or with the header of Modbus/TCP",
        "rtu",
        example="tcp",
    )
    echo: bool = setting(
        Flag(), "the device or its adapter returns what is written: that is no reply", False
    )
    prompt: str = setting(
        LinePattern(),
        "what the device says, without a line end, before it takes a command",
        "",
        example="^> $",
    )
    write_timeout: float = setting(
        Duration(0.01, 60), "after so long a write fails that the device does not take", 1.0
    )

    @property
    def mode(self) -> LineMode:
        """How the line is set at an opening."""
        return LineMode(self.baudrate, self.bytesize, self.parity, self.stopbits)

    def without_parity(self, data: bytes) -> bytes:
        """Return what was read without its parity bits, where these are to be stripped."""
        return data.translate(SEVEN_BITS) if self.strip_parity else data

    @property
    def is_line(self) -> bool:
        """Whether it has a speed and such; a TCP stream has none."""
        return not self.device.startswith("socket://")


OF_A_LINE = {"bytesize": 8, "parity": "N", "stopbits": 1, "rtscts": False, "xonxoff": False}
OF_A_LINE |= {"hupcl": True, "dtr": None, "rts": None, "rs485": False}


def check_stop_bits(stopbits: float, at: Location) -> None:
    """Note a number of stop bits that there is not."""
    if stopbits not in STOP_BITS:
        (at / "stopbits").wrong(f"expected 1, 1.5 or 2, not {stopbits:g}")


def check_line(settings: LineSettings, at: Location) -> None:
    """Check the stop bits, and that nothing is asked of a TCP stream that only a line has."""
    check_stop_bits(settings.stopbits, at)
    if settings.modbus_framing == "tcp":
        if settings.is_line:
            (at / "modbus_framing").wrong("Modbus/TCP needs a device socket://HOST:PORT")
        for key in ("echo", "strip_parity"):
            if getattr(settings, key):
                (at / key).wrong("does nothing over Modbus/TCP")
    if not settings.is_line:
        for key, default in OF_A_LINE.items():
            if getattr(settings, key) != default:
                (at / key).wrong("does nothing over socket://: it is set at the adapter")
