"""WAMP for microcontrollers: files to be copied to a board, which do without the rest of wamplite.

    uwamp.py         the client, over TCP as its program likes: bytes in, bytes out
    uwamp_serial.py  the same over a serial line
    uwamp_link.py    connects it and comes back: TCP, TLS, UART; blocking or in asyncio
    uwamp_cra.py     proves who it is by wampcra

They import each other by bare names, as on a board: on a computer sys.path has this directory.
"""
