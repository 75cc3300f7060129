"""What ties a proof to one connection within TLS: channel bindings, by their types (RFC 5056).

tls-unique             the first Finished message: of TLS 1.2, and of no resumed session, where
                       another connection may have the same (RFC 7627)
tls-server-end-point   the hash of the router's certificate (RFC 5929): of every version
tls-exporter           where Python's ssl offers it (RFC 9266)
"""

from __future__ import annotations

import hashlib
import ssl

from .certificates import element

UNIQUE, END_POINT = "tls-unique", "tls-server-end-point"
RSA, ECDSA = "2a864886f70d0101", "2a8648ce3d04"
HASHES = {  # the OID of how a certificate is signed -> its hash, or SHA-256 instead of a weak one
    f"{RSA}04": "sha256", f"{RSA}05": "sha256", f"{RSA}0b": "sha256", f"{RSA}0c": "sha384",
    f"{RSA}0d": "sha512", f"{RSA}0e": "sha224", f"{ECDSA}01": "sha256", f"{ECDSA}0301": "sha224",
    f"{ECDSA}0302": "sha256", f"{ECDSA}0303": "sha384", f"{ECDSA}0304": "sha512",
}  # fmt: skip


def channel_bindings(tls: ssl.SSLObject, certificate: bytes | None) -> dict[str, bytes]:
    """Return those of a connection whose hands are shaken; certificate: the router's, in DER."""
    found = {kind: tls.get_channel_binding(kind) for kind in ssl.CHANNEL_BINDING_TYPES}
    if tls.version() != "TLSv1.2" or tls.session_reused:
        found[UNIQUE] = None
    found[END_POINT] = end_point(certificate) if certificate else None
    return {kind: data for kind, data in found.items() if data}


def end_point(certificate: bytes) -> bytes | None:
    """Return the hash of a certificate; None where its kind of signature is tied to no hash."""
    _, whole, _ = element(certificate)
    _, _, rest = element(whole)  # what is signed
    _, algorithm, _ = element(rest)
    _, name, _ = element(algorithm)
    kind = HASHES.get(name.hex())
    return hashlib.new(kind, certificate).digest() if kind else None
