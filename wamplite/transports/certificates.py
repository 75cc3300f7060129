"""What stands in a certificate: its fingerprints, and until when it is valid; pure.

The standard library verifies certificates, and tells of one only once its peer is verified. What
is wanted of any certificate is read here from its DER (RFC 5280, section 4.1).
"""

from __future__ import annotations

import hashlib
import re
import ssl
from datetime import datetime, timezone

from ..core.errors import UsageError

UNKNOWN = "; is it another router, or has it a new key? Do not go on before you know"
WANTED = "64 hexadecimal digits, perhaps after sha256: and with colons between"
VERSION, SHORT_YEAR = b"\xa0", 0x17  # tags


def of_pem(text: str) -> bytes | None:
    """Return the first certificate of a file, in DER: the one that is shown."""
    begun = text.partition(ssl.PEM_HEADER)[2]
    inner, ended, _ = begun.partition(ssl.PEM_FOOTER)
    return ssl.PEM_cert_to_DER_cert(ssl.PEM_HEADER + inner + ended) if ended else None


def public_key(certificate: bytes) -> bytes:
    """Return the public key of a certificate, with its kind, in DER: SubjectPublicKeyInfo.

    ValueError where the certificate is not in DER.
    """
    rest = _behind_issuer(certificate)
    for _ in ("validity", "subject"):
        _, _, rest = element(rest)
    _, _, behind = element(rest)
    return rest[: len(rest) - len(behind)]


def valid_until(certificate: bytes) -> float:
    """Return until when a certificate is valid, in seconds of the epoch."""
    _, validity, _ = element(_behind_issuer(certificate))
    _, _, until = element(validity)
    tag, content, _ = element(until)
    text = content.decode("ascii")
    if tag == SHORT_YEAR:
        text = ("19" if text >= "5" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()


def fingerprints(certificate: bytes) -> tuple[str, str]:
    """Return the SHA-256 of a certificate in DER, and that of its public key, in hex.

    The second stays the same where a certificate is renewed with the key that it had.
    """
    both = certificate, public_key(certificate)
    return hashlib.sha256(both[0]).hexdigest(), hashlib.sha256(both[1]).hexdigest()


def normal(fingerprint: str) -> str:
    """Return a fingerprint as `fingerprints` has it; UsageError where it is none."""
    digits = fingerprint.lower().removeprefix("sha256:").replace(":", "")
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise UsageError(f"a fingerprint is {WANTED}, not {fingerprint!r}")
    return digits


def element(data: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first element in DER, and what stands behind it."""
    if len(data) < 2 or data[1] == 0x80:  # BER, whose size is not told
        raise ValueError("a certificate that is not in DER")
    size, start = data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start], "big")
    return data[0], data[start : start + size], data[start + size :]


def _behind_issuer(certificate: bytes) -> bytes:
    _, whole, _ = element(certificate)
    _, rest, _ = element(whole)  # what is signed
    if rest[:1] == VERSION:
        _, _, rest = element(rest)
    for _ in ("serial number", "algorithm", "issuer"):
        _, _, rest = element(rest)
    return rest
