"""The settings of a bridge: its session, its buffer, its ports; `keys` tells how one is declared.

Here are those of the whole bridge and of a port. What a port consists of declares its own: `device`
how it is opened, each kind of `framing` and `decoding`, `shaping` what is published, `asking` what
is asked. `configuration` reads them from a file or a script. Times are seconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ..checking import attempt, check_unlike
from ..config import Location
from ..keys import TableSettings, section, setting
from ..schema import Flag, Text, Texts, Uri, Whole
from ..tables import Tables
from ..units import DAY, Duration, Size
from .asking.modbus import ModbusSettings
from .asking.polls import PollSettings
from .asking.requests import AskSettings, InitSettings, ProcedureSettings, SubscribeSettings
from .asking.steps import ReplySettings, StepSettings
from .asking.writes import WriteSettings
from .decoding.alternatives import DECODE
from .decoding.decoder import DECODERS, DecodeSettings
from .device.line import LineSettings, check_line
from .framing.framing import FRAMINGS, FramingSettings
from .framing.mixed import FRAMING
from .own_names import MARKS, TIMES
from .shaping import PublishSettings

__all__ = ["BridgeSettings", "BufferSettings", "PortSettings", "SessionSettings"]


IDLE = "what it sends is dropped: no [[port.publish]], nor a poll, a procedure or a subscribe"
ONLY_MODBUS = 'modbus_framing = "tcp" carries nothing but Modbus'


@dataclass(frozen=True, kw_only=True)
class SessionSettings(TableSettings):
    """The router, the realm, and the identity to join with."""

    url: str = setting(
        Text(), "where the router is: ws, wss, rs, rss or unix", "ws://127.0.0.1:8080/ws"
    )
    realm: str = setting(Uri(), "the realm to join", "realm1")
    authid: str = setting(Text(), "the identity to join with", "", example="bridge")
    secret_file: str = setting(
        Text(),
        "the file that holds the secret: a path, or a name within $CREDENTIALS_DIRECTORY",
        "",
        needs=("authid",),
        example="/etc/wamplite/bridge.secret",
    )
    authmethods: tuple[str, ...] = setting(
        Texts("scram", "wampcra", "ticket"),
        "by what the secret proves it, the best first",
        ("ticket",),
        example=("scram",),
    )
    key_file: str = setting(
        Text(),
        "the file of a private key, for cryptosign: of `ssh-keygen -t ed25519`, or hexadecimal",
        "",
        example="/etc/wamplite/bridge.key",
    )
    serializer: str = setting(Text("json", "msgpack", "cbor"), "how messages are encoded", "json")
    ca: str = setting(
        Text(), "a file of CA certificates to trust for wss and rss; none: the system's", ""
    )
    timeout: float = setting(Duration(0.01, DAY), "for the answer to each request", 30.0)
    connect_timeout: float = setting(Duration(0.01, DAY), "until the session has joined", 10.0)
    max_retry_delay: float = setting(
        Duration(0.1, DAY), "the longest time between two attempts to join", 2.0
    )

    def check(self, at: Location) -> None:
        """Note a URL that cannot be dialled, and a secret that proves nothing."""
        from ..transports import dial

        attempt(at / "url", dial.parse, self.url)
        if not self.authmethods:
            (at / "authmethods").wrong("names no method")


@dataclass(frozen=True, kw_only=True)
class BufferSettings(TableSettings):
    """The bounds of the events of all ports that wait while the router is away."""

    max_messages: int = setting(Whole(1, 10_000_000), "how many events may wait", 1000)
    max_bytes: int = setting(
        Size(1024, 1 << 40), "how much memory, or space in the file, they may take", 1 << 20
    )
    max_age: float = setting(Duration(0, 365 * DAY), "older events are dropped; 0: never", 600.0)
    overflow: str = setting(
        Text("drop-oldest", "drop-newest"),
        "which events are dropped when there is no room",
        "drop-oldest",
    )
    path: str = setting(
        Text(pattern=".*", wanted="text"),
        "a file (SQLite) where events outlive the bridge and a power cut; none: in memory",
        "",
        example="/var/lib/wamplite-bridge/outbox",
    )
    marks: bool = setting(
        Flag(),
        "each event carries `seq`, a number that grows, and `_resent` when it is sent again",
        True,
    )
    write_every: float = setting(
        Duration(0.01, DAY), "events of so long are written to the file together", 0.5
    )


@dataclass(frozen=True, kw_only=True)
class PortSettings(LineSettings):
    """One device, and what the bridge does with it; a port that fails does not stop the others."""

    status: bool = setting(
        Flag(), "publish its state, and serve the procedures `wamplite.bridge.<name>.*`", True
    )
    framing: FramingSettings = setting(
        FRAMING,
        "where a frame ends and the next begins; of several kinds of frames, an array of tables",
        "lines",
        factory=lambda: FRAMINGS["lines"].made(),
    )
    decode: DecodeSettings = setting(
        DECODE,
        "how a frame becomes arguments; of several, an array of tables, by the first that takes it",
        "text",
        factory=lambda: DECODERS["text"].made(),
    )
    publish: tuple[PublishSettings, ...] = setting(
        Tables(section(PublishSettings, PublishSettings.check)), "what is published of it", ()
    )
    init: tuple[InitSettings, ...] = setting(
        Tables(section(InitSettings, InitSettings.check)), "what is written after each opening", ()
    )
    procedures: tuple[ProcedureSettings, ...] = setting(
        Tables(section(ProcedureSettings, ProcedureSettings.check)),
        "what it can be asked by calls",
        (),
        name="procedure",
    )
    subscribes: tuple[SubscribeSettings, ...] = setting(
        Tables(section(SubscribeSettings, SubscribeSettings.check)),
        "which events are written to it",
        (),
        name="subscribe",
    )
    polls: tuple[PollSettings, ...] = setting(
        Tables(section(PollSettings, PollSettings.check)),
        "what it is asked again and again",
        (),
        name="poll",
    )

    def check_names(self, marks: Collection[str], at: Location) -> None:
        """Note a value that is called as one that the bridge adds itself."""
        stamped = any(publish.timestamp for publish in self.publish)
        read: list[tuple[DecodeSettings | PollSettings, set[str], Location]]
        read = [(self.decode, {*marks, *(TIMES if stamped else ())}, at / "decode")]
        for number, poll in enumerate(self.polls):
            if poll.reply is not None:
                own = {*marks, *(TIMES if poll.timestamp else ())}
                read.append((poll, own, at / "poll" / number / "reply"))
        for named, own, place in read:
            for name in sorted(own & (named.names() or set())):
                place.wrong(f'"{name}" is a name that the bridge itself gives: call it otherwise')

    def check(self, at: Location) -> None:
        """Check the line, and that what is published is decoded."""
        check_line(self, at)
        self._check_modbus(at)
        self._check_bits(at)
        self._check_written(at)
        for number, publish in enumerate(self.publish):
            publish.check_values(self.decode.names(), at / "publish" / number)
        self.decode.check_size(self.framing.sizes, at / "decode")
        every = min((poll.every for poll in self.polls), default=0.0)
        if self.polls and not self.publish and 0 < self.silence <= every:
            (at / "silence").wrong(
                f"must be more than the {every:g} s between polls, or it is reopened before each"
            )

    @property
    def idle_because(self) -> str:
        """Why nothing comes of it but its status; "" where something does."""
        does = self.publish or self.procedures or self.subscribes or self.polls
        return "" if does else IDLE

    def _check_modbus(self, at: Location) -> None:
        """Note units that there are not, and what a connection of Modbus/TCP cannot carry."""
        is_tcp = self.modbus_framing == "tcp"
        asked: dict[str, list[ModbusSettings | None]] = {
            "poll": [poll.modbus for poll in self.polls],
            "procedure": [procedure.modbus for procedure in self.procedures],
            "subscribe": [subscribe.modbus for subscribe in self.subscribes],
        }
        for key, all_of_it in asked.items():
            for number, modbus in enumerate(all_of_it):
                if is_tcp and modbus is None:
                    (at / key / number).wrong(ONLY_MODBUS)
                elif not is_tcp and modbus is not None and not modbus.unit:
                    place = at / key / number / "modbus" / "unit"
                    place.wrong("0 is all slaves on a line, and none answers; expected 1 to 255")
        for key, others in (("publish", self.publish), ("init", self.init)):
            if is_tcp and others:
                (at / key / 0).wrong(ONLY_MODBUS)

    def _written(self, at: Location) -> Iterator[tuple[WriteSettings, Location]]:
        """Yield all that is written to the device, with its place."""
        asked = {"init": self.init, "procedure": self.procedures, "poll": self.polls}
        for key, all_of_it in {**asked, "subscribe": self.subscribes}.items():
            for number, one in enumerate(all_of_it):
                place = at / key / number
                yield one, place
                if isinstance(one, AskSettings):
                    yield from ((step, place / "then" / n) for n, step in enumerate(one.then))

    def _check_bits(self, at: Location) -> None:
        """Note bytes of framings that no byte of this line, however it is set, can be."""
        written = [one for one, _ in self._written(at)]
        steps = [one for one in written if isinstance(one, StepSettings)]
        bits = max([self.bytesize, *(step.bytesize for step in steps)])
        why = f"bytesize = {bits}"
        if self.strip_parity:
            bits, why = min(7, bits), "strip_parity = true"
        asked = [one.framing for one in written if isinstance(one, ReplySettings)]
        for framing in (self.framing, *asked):
            if framing is not None:
                framing.check_bits(bits, why)

    def _check_written(self, at: Location) -> None:
        """Note prompts of frames that do not end as lines do, a missing one, changes of no line."""
        for one, place in self._written(at):
            prompt = self.prompt if one.prompt is None else one.prompt
            framing = self.framing
            if isinstance(one, ReplySettings):
                framing = one.framing or framing
                if not one.is_joined:
                    _check_sizes(one, framing.sizes, place)
                if one.until_prompt is True and not prompt:
                    (place / "until_prompt").wrong('there is no "prompt"')
            if prompt and not framing.has_line_ends:
                (place / "prompt").wrong('is for the framings "lines" and "delimiter"')
            if isinstance(one, StepSettings) and one.changes_line and not self.is_line:
                place.wrong("the line behind socket:// is set at the adapter")


def _check_sizes(asked: ReplySettings, sizes: range, at: Location) -> None:
    for key, decode in (("reply", asked.reply), ("error", asked.error)):
        if decode is not None:
            decode.check_size(sizes, at / key)


@dataclass(frozen=True, kw_only=True)
class BridgeSettings(TableSettings):
    """A whole bridge."""

    session: SessionSettings = setting(
        section(SessionSettings, SessionSettings.check),
        "how it joins the router",
        {},
        factory=SessionSettings,
    )
    buffer: BufferSettings = setting(
        section(BufferSettings),
        "what waits while the router is away",
        {},
        factory=BufferSettings,
    )
    ports: tuple[PortSettings, ...] = setting(
        Tables(section(PortSettings, PortSettings.check)), "its devices", name="port"
    )

    def check(self, at: Location) -> None:
        """Note two ports, devices or procedures of one name."""
        if not self.ports:
            at.wrong("there is no [[port]]")
        ports = [(port, port.at or at) for port in self.ports]
        check_unlike("name", [(port.name, at / "name") for port, at in ports])
        check_unlike("device", [(port.device, at / "device") for port, at in ports])
        procedures = [
            (procedure.uri, at / "procedure" / n / "uri")
            for port, at in ports
            for n, procedure in enumerate(port.procedures)
        ]
        check_unlike("uri", procedures)
        for port, at in ports:
            port.check_names(MARKS if self.buffer.marks else (), at)
