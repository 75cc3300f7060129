r"""Serial devices to topics, and calls to devices; the devices and the router may come and go.

    from wamplite import bridge

    weather = bridge.Port("/dev/ttyUSB0", 115200).regex(r"T=(?P<temp>\S+)").publish("home.{field}")
    bridge.run(weather, url="ws://127.0.0.1:8080/ws")

The layers, from the cable upwards. Each has tests of its own, and none imports a layer above it:

    device/         one device: opened, read, lost, opened again; its stable names, who holds it.
                    Only `carrier` uses pyserial
    framing/        bytes in, frames out; pure
    matching/       the operator's regular expressions, within a bound
    decoding/       a frame in, a Reading (args, kwargs of an event) or Undecodable out; pure
    intake          framing and decoding behind a device; counts by reason what is no reading
    asking/         requests to the device, one at a time: commands, polls, Modbus
    shaping         readings in, events out: topics, deadbands, intervals; pure
    outbox/         events that wait for the router, bounded, in memory or in a file
    publisher       outbox to session, in order, confirmed by the router
    bridge_port     all of that for one port; `status` tells how it is, `counts` what it did
    watched         a port without a router that tells each step
    bridge          all ports and one session
    settings        the keys of a bridge and of a port; what a port consists of declares its own
    kinds           framings and decoders by name, each with its keys in a file of its own
    configuration/  reads the settings from a file, or takes them from a script; the page of keys

The main rule: the port's thread never waits for the session. The kernel keeps 4 kB of a serial line
(0.36 s at 115200 baud); what comes after that is lost, and nothing reports it.

The counts add up (see `counts`). Importing this loads nothing else; a name is loaded by its use.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .bridge import Bridge
    from .configuration.builder import Port, make_settings, run
    from .decoding.readings import Undecodable

_HOMES = {
    "Bridge": "bridge",
    "Port": "configuration.builder",
    "Undecodable": "decoding.readings",
    "make_settings": "configuration.builder",
    "run": "configuration.builder",
}

__all__ = ["Bridge", "Port", "Undecodable", "make_settings", "run"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
