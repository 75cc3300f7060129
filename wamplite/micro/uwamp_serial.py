"""WAMP over a UART, beside uwamp.py; see docs/serial-line.md. MIT licence."""

from binascii import crc32

from uwamp import Client, since


def stuff(body):
	"""A frame: COBS(body, CRC), zero."""
	out = b""
	for run in (body + crc32(body).to_bytes(4, "little")).split(b"\0"):
		while len(run) > 253:
			out += b"\xff" + run[:254]
			run = run[254:]
		out += bytes((len(run) + 1,)) + run
	return out + b"\0"


def unstuff(frame):
	"""The body of a frame; None: damaged."""
	out = b""
	while frame:
		code = frame[0]
		if not 0 < code <= len(frame):
			return None
		out += frame[1:code]
		frame = frame[code:]
		if frame and code < 255:
			out += b"\0"
	if len(out) > 4 and crc32(out[:-4]) == int.from_bytes(out[-4:], "little"):
		return out[:-4]


class Serial(Client):
	"""Joins again by itself: `open` it once."""

	keepalive = 1000  # ms between signs of life; silent for thrice as long: lost
	most = 1024  # bytes of a message from us
	_number = 0

	def _begin(self):
		self._number = self._number + 1 & 3
		self._out = b"\0"
		self._send(*self._hello)

	def _end(self, why):
		aborted = not self.joined and why != "silence"
		self.clear(why)
		if self.left:
			return
		self.report(why)
		self.lost = ""
		self._begin()
		if aborted:
			self._out = b""
			self._patience = 10000

	def _frame(self, text, kind=0):
		head = 0x80 if kind else 0x41 if text[:3] == b"[1," else 1
		return stuff(bytes((head | self._number << 4,)) + text)

	def _feed(self, data):
		if not self.joined and since(self._heard, self._now) > 1000:
			self._heard = self._now - 1000  # WELCOME may be on its way
		frames = (self._in + data).split(b"\0")
		self._in = frames.pop()[: self.limit + 99]
		for frame in frames:
			body = unstuff(frame)
			if body and body[0] & 0x40:
				if self.joined:
					self._end("RESET")
			elif body and body[0] >> 4 & 3 == self._number:
				self._heard = self._now
				if body[0] & 15 == 1:
					self._receive(body[1:])
