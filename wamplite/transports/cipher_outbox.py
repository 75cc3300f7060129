"""The outbox of a stream within TLS: plain entries, and before them what has been encrypted."""

from __future__ import annotations

from .outbox import ByteOutbox


class CipherOutbox(ByteOutbox):
    """Entries of which the next bytes have been encrypted: these go first, and count."""

    __slots__ = ("cipher",)

    def __init__(self) -> None:
        super().__init__()
        self.cipher: memoryview = memoryview(b"")

    def add_cipher(self, data: bytes) -> None:
        """Add what OpenSSL wants sent."""
        if self.cipher:
            self.cipher = memoryview(bytes(self.cipher) + data)
        elif data:
            self.cipher = memoryview(data)
            self.waiting += 1
        self.left += len(data)

    def encrypted(self, number: int, cipher: bytes) -> None:
        """Take so many plain bytes off the front, which have become ciphertext."""
        super().took(number)
        self.add_cipher(cipher)

    def took(self, number: int) -> None:
        """Take so many bytes of ciphertext off: they have gone."""
        self.left -= number
        self.cipher = self.cipher[number:]
        if not self.cipher:
            self.waiting -= 1

    def clear(self) -> None:
        super().clear()
        self.cipher = memoryview(b"")
