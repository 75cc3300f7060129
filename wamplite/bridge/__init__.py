"""Serial devices to topics: sensors that come and go, a router that may be away.

The floors, from the cable upwards. Each is tested alone, and none knows the one above it:

    devices    what a person wants to know of a device: its stable names, who holds it
    port       one device: opened, read, lost, reopened for ever; the only file that knows pyserial
    framing    bytes in, frames out; pure
    decoding   a frame in, a Reading (args and kwargs of an event) out, or Undecodable; pure
    intake     framing + decoding behind a port; what is not a reading is counted by reason
    outbox     readings that wait for the router, bounded, oldest dropped first
    publisher  outbox to session, in order, confirmed by the router
    serial_bridge   all of them in one: a device, a topic, a Component

The law of the house: the port's thread never waits for the session. The kernel keeps 4 kB of a
serial line (0.36 s at 115200 baud); past that, bytes vanish and nobody is told.

The books balance: frames = published + dropped, by reason + waiting.
"""

from .serial_bridge import SerialBridge

__all__ = ["SerialBridge"]
