"""CircuitPython's supervisor: its counter of milliseconds, which wraps."""

import time

WRAPS = 1 << 29
START = WRAPS - 3000  # ms: it wraps soon, as it does 65 seconds after a board's start
began = time.time()


def ticks_ms():
    return (START + int((time.time() - began) * 1000)) % WRAPS
