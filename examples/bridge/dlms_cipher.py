"""What general-glo-ciphering of DLMS holds (security suite 0, AES-128-GCM): for han_values.py.

The keys are those of your meter, which its operator gives you: 32 hexadecimal digits each, the
encryption key and, on the next line, the authentication key, where the meter has one. They stand in
a file that nobody else may read, whose path is in the environment variable HAN_KEYS.
"""

import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from wamplite.bridge import Undecodable
from wamplite.config import read_secret

IS_AUTHENTICATED, IS_ENCRYPTED = 0x10, 0x20
TAG, TITLE, COUNTER = 12, 8, 4  # bytes


@cache
def keys():
    """Return the encryption key and the authentication key, b"" where there is none."""
    encryption, authentication, *_ = [*read_secret(os.environ["HAN_KEYS"]).split(), ""]
    return bytes.fromhex(encryption), bytes.fromhex(authentication)


def opened(told):
    """Return what is within a telegram that begins with DB; Undecodable where that cannot be."""
    title, at = told[2 : 2 + told[1]], 2 + told[1]
    more = told[at] & 0x7F if told[at] & 0x80 else 0  # bytes of the length
    size = int.from_bytes(told[at + 1 : at + 1 + more], "big") if more else told[at]
    body = told[at + 1 + more :][:size]
    control, counter, text = body[:1], body[1 : 1 + COUNTER], body[1 + COUNTER :]
    if len(title) != TITLE or len(body) < size or not size or control[0] & 0xAF != IS_ENCRYPTED:
        raise Undecodable("encrypted in another way")
    encryption, authentication = keys()
    is_proved = bool(control[0] & IS_AUTHENTICATED)
    text, tag = (text[:-TAG], text[-TAG:]) if is_proved else (text, None)
    mode = modes.GCM(title + counter, tag, min_tag_length=TAG)
    cipher = Cipher(algorithms.AES(encryption), mode).decryptor()
    try:
        if is_proved:
            cipher.authenticate_additional_data(control + authentication)
        plain = cipher.update(text)
        return plain + cipher.finalize() if is_proved else plain
    except InvalidTag:
        raise Undecodable("encrypted: the keys do not fit") from None
