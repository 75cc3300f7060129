"""Prove who we are by wampcra, beside uwamp.py. MIT licence; see docs/micro.md.

wamp = uwamp.RawSocket("realm1", authid="joe", authmethods=["wampcra"])
wamp.sign = uwamp_cra.Signer("secret")
"""

from binascii import b2a_base64
from hashlib import sha256


def pads(key):
	"""The two blocks that HMAC makes of a key."""
	if len(key) > 64:
		key = sha256(key).digest()
	key += bytes(64 - len(key))
	return bytes(byte ^ 0x36 for byte in key), bytes(byte ^ 0x5C for byte in key)


def hmac(inner, outer, data):
	return sha256(outer + sha256(inner + data).digest()).digest()


def derive(secret, salt, iterations=1000, keylen=32):
	"""PBKDF2: the key of a salted secret, in base64."""
	key = b""
	both = pads(secret.encode())
	for number in range(1, (keylen + 31) // 32 + 1):
		block = hmac(*both, salt.encode() + number.to_bytes(4, "big"))
		mixed = int.from_bytes(block, "big")
		for _ in range(iterations - 1):
			block = hmac(*both, block)
			mixed ^= int.from_bytes(block, "big")
		key += mixed.to_bytes(32, "big")
	return b2a_base64(key[:keylen]).strip()


class Signer:
	"""Sign challenges by a secret; or by its key, which derive() has returned elsewhere."""

	most = 10000  # iterations; a router that asks for more is refused

	def __init__(self, secret="", key=None):
		self._secret = secret
		self._given = key
		self._asked = self._key = None  # what was derived last

	def __call__(self, method, extra):
		inner, outer = pads(self._given or self._find(extra))
		return b2a_base64(hmac(inner, outer, extra["challenge"].encode())).decode().strip()

	def _find(self, extra):
		if "salt" not in extra:
			return self._secret.encode()
		asked = extra["salt"], extra.get("iterations", 1000), extra.get("keylen", 32)
		if asked[1] > self.most:
			raise ValueError("too many iterations")
		if asked != self._asked:
			self._key = derive(self._secret, *asked)
			self._asked = asked
		return self._key
