r"""Serial devices to topics, and calls to devices; both they and the router may come and go.

    from wamplite import bridge

    weather = bridge.Port("/dev/ttyUSB0", 115200).regex(r"T=(?P<temp>\S+)").publish("home.{field}")
    bridge.run(weather, url="ws://127.0.0.1:8080/ws")

The floors, from the cable upwards. Each is tested alone, and none knows the one above it:

    device_names, sysfs   what a person wants to know of a device: its stable names, who holds it
    carrier, port    one device: opened, read, lost, reopened for ever; `carrier` knows pyserial
    framing          bytes in, frames out; pure
    decoding         a frame in, a Reading (args and kwargs of an event) out, or Undecodable; pure
    shaping          readings in, events out: topics, deadbands, intervals; pure
    intake           framing and decoding behind a port; what is no reading is counted by reason
    commands, polls  who asks the device, one at a time
    outbox, stored   events that wait for the router, bounded, in memory or in a file
    publisher        outbox to session, in order, confirmed by the router
    bridge_port, bridge  all of that for each port, and one session; `serial_bridge`: for one topic
    settings         what can be said about it all; `configuration` reads it from a file, `builder`
                     from a script

The law of the house: the port's thread never waits for the session. The kernel keeps 4 kB of a
serial line (0.36 s at 115200 baud); past that, bytes vanish and nobody is told.

The counts add up, see `counts`. Importing this loads nothing: each name is loaded when it is used.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .bridge import Bridge
    from .builder import Port, make_settings, run
    from .serial_bridge import SerialBridge

_HOMES = {
    "Bridge": "bridge",
    "Port": "builder",
    "SerialBridge": "serial_bridge",
    "make_settings": "builder",
    "run": "builder",
}

__all__ = ["Bridge", "Port", "SerialBridge", "make_settings", "run"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
