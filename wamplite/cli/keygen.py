"""Make a key pair for cryptosign: the private key into a file, the public one onto stdout.

    wamplite keygen pi.key
    wamplite user add pi --realm home --role sensor --pubkey $(wamplite keygen pi.key)
    wamplite pub --key file:pi.key ...

The file holds 64 hexadecimal digits and is for its owner alone. A file that is there is not written
over: its public key is printed with --show.
"""

from __future__ import annotations

import argparse
import os

from ..auth.ed25519 import InPython
from ..auth.key_files import private_key
from ..core.errors import UsageError
from ..file_errors import doing


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite keygen`."""
    parser.add_argument("file", help="for the private key")
    parser.add_argument(
        "--show", action="store_true", help="the public key of a file that is there"
    )


def run(options: argparse.Namespace) -> int:
    """Make a key, or show one."""
    if options.show:
        seed = private_key(options.file)
    else:
        seed = os.urandom(32)
        write(options.file, seed)
    print(InPython().pubkey(seed).hex())
    return 0


def write(path: str, seed: bytes) -> None:
    """Write a private key into a new file, for its owner alone."""
    with doing("write", path):
        try:
            written = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise UsageError(f"{path} is there, and is not written over: --show its key") from None
        with os.fdopen(written, "w") as file:
            file.write(f"{seed.hex()}\n")
            file.flush()
            os.fsync(written)
