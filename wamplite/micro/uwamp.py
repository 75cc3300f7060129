"""WAMP for MicroPython and CircuitPython: bytes in, bytes out. MIT licence; see docs/micro.md.

wamp = RawSocket(realm) or Serial(realm); wamp.open(ticks_ms()) on each new connection; then, until
wamp.lost: out = wamp.step(data, ticks_ms()). data: what came, or None; out: to be written.
"""
# fmt: off
# ruff: noqa: W191 - tabs: boards are small

import json
from binascii import crc32


def since(then, now):
	return (now - then) & 0x1FFFFFFF  # ms; boards' counters wrap


def check(value):
	"""Refuse what would end the session, such as a sensor's nan."""
	if isinstance(value, float) and value - value != 0:
		raise ValueError("nan or inf")
	if value is not None and not isinstance(value, (str, bool, int, float)):
		for item in value.values() if isinstance(value, dict) else value:
			check(item)


class Client:
	"""joined: the session's id, or 0. lost: why there is none any more, or ""."""

	timeout = 5000  # ms for an answer
	limit = 2048  # bytes: the longest message to us, and what may wait to be sent
	ticket = None
	_now = 0

	def __init__(self, realm, **details):
		roles = {role: {} for role in ("caller", "callee", "publisher", "subscriber")}
		self._hello = 1, realm, dict(details, roles=roles)
		self._wishes = []  # (kind, uri, handler): for every session
		self._asked = {}  # request: (kind, uri, handler, when)
		self.report = print  # takes the text of errors
		self._clear("not open")

	def subscribe(self, topic, handler):
		"""Have handler(*args, **kwargs) called for events, in all sessions."""
		self._wishes.append((32, topic, handler))
		self._ask(32, topic, handler)

	def register(self, procedure, handler):
		"""Serve a procedure likewise; handler returns the result."""
		self._wishes.append((64, procedure, handler))
		self._ask(64, procedure, handler)

	def publish(self, topic, *args, **kwargs):
		"""Publish; False: no session, or no room."""
		return self._ask(16, topic, None, args, kwargs)

	def call(self, procedure, then, *args, **kwargs):
		"""Call; False, or later then(result, None) or then(args, error)."""
		return self._ask(48, procedure, then, args, kwargs)

	def open(self, now):
		"""Begin on a new connection."""
		self._now = now
		self._clear("")
		self._begin()

	def step(self, data, now):
		"""Take the bytes that came, do what is due, return the bytes to write."""
		self._now = now
		if data and not self.lost:
			self._feed(data)
		for request, (kind, uri, _, when) in self._asked.items():
			if since(when, now) > self.timeout:
				self._settle(request, [], "wamp.error.timeout")
				if kind != 48:
					self._end("no answer to " + uri)
				break
		if not self.lost:
			if since(self._heard, now) > self._patience:
				self._end("silence")
			elif self.joined and since(self._said, now) > self.keepalive:
				self._said = now
				self._out += self._frame(b"", 1)
		out, self._out = self._out, b""
		return out

	def _clear(self, why):
		self.lost = why
		self._in = self._out = b""
		self.joined = self._request = 0
		self._heard = self._now
		self._patience = 2 * self.keepalive  # ms
		self._handlers = {}  # (kind, id): handlers
		for request in list(self._asked):
			self._settle(request, [why], "wamp.error.canceled")

	_end = _clear

	def _settle(self, request, value, error=None):
		kind, uri, then, _ = self._asked.pop(request, (0, 0, 0, 0))
		if kind == 48:
			self._run(then, (value, error), {})
		elif kind:
			self.report(uri, error)

	def _run(self, handler, args, kwargs):
		try:
			handler(*args, **kwargs)
		except Exception as error:
			self.report(repr(error))

	def _send(self, *message):
		check(message)
		text = json.dumps(message, separators=(",", ":")).encode()
		if len(text) > self.most:
			raise ValueError("too long")
		self._out += self._frame(text)

	def _ask(self, kind, uri, handler, *payload):
		busy = len(self._out) > self.limit or len(self._asked) > 31
		if not self.joined or busy and payload:
			return False
		self._send(kind, self._request + 1, {}, uri, *payload)
		self._request += 1
		if kind > 16:
			self._asked[self._request] = kind, uri, handler, self._now
		return True

	def _receive(self, text):
		try:
			message = json.loads(text.decode())
			payload = message[{50: 3, 8: 5}.get(message[0], 4) :]
			self._on(message, *payload + [[], {}][len(payload) :])
		except Exception as error:  # not of a handler
			self._end("not WAMP: " + repr(error))

	def _on(self, message, args, kwargs):
		kind, number = message[:2]
		if kind == 2 and not self.joined:
			self.joined = number
			self._said = self._now
			self._patience = 3 * self.keepalive
			for wish in self._wishes:
				self._ask(*wish)
		elif kind == 4:
			self._send(5, self.ticket, {})
		elif kind == 8:
			self._settle(message[2], args, message[4])
		elif kind in (33, 65):
			kind, _, handler, _ = self._asked.pop(number)
			self._handlers.setdefault((kind, message[2]), []).append(handler)
		elif kind == 36:
			for handler in self._handlers.get((32, number), ()):
				self._run(handler, args, kwargs)
		elif kind == 50:
			many = len(args) > 1 or kwargs
			self._settle(number, (args, kwargs) if many else args[0] if args else None)
		elif kind == 68:
			serve = self._handlers[64, message[2]][0]
			try:
				value = serve(*args, **kwargs)
				self._send(70, number, {}, [] if value is None else [value])
			except Exception as error:
				self.report(repr(error))
				self._send(8, 68, number, {}, "wamp.error.runtime_error", [str(error)])
		else:  # ABORT, GOODBYE
			self._end(str(message[2]))


class RawSocket(Client):
	"""Over TCP. Once `lost`, connect anew and `open`."""

	keepalive = 5000  # ms between pings; silent for thrice as long: lost

	def _begin(self):
		self.most = 0  # bytes the router takes; 0: not known yet
		self._out = bytes((0x7F, len(bin(self.limit)) - 12 << 4 | 1, 0, 0))

	def _frame(self, text, kind=0):
		return (kind << 24 | len(text)).to_bytes(4, "big") + text

	def _feed(self, data):
		self._heard = self._now
		self._in += data
		while len(self._in) > 3:
			kind = self._in[0]
			size = int.from_bytes(self._in[1:4], "big")
			if kind == 0x7F and self._in[1] & 15 == 1 and not self.most:
				self.most = 512 << (self._in[1] >> 4)
				size = 0
			elif kind > 2 or size > self.limit:
				self._end("unexpected " + repr(self._in[:4]))
			if len(self._in) < size + 4:
				break
			text = self._in[4 : size + 4]
			self._in = self._in[size + 4 :]
			if kind == 0:
				self._receive(text)
			elif kind == 1:
				self._out += self._frame(text, 2)
			elif kind > 2:
				self._send(*self._hello)


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
	"""Over a UART. Joins again by itself: `open` it once."""

	keepalive = 1000
	most = 1024
	_number = 0

	def _begin(self):
		self._number = self._number + 1 & 3
		self._out = b"\0"
		self._send(*self._hello)

	def _end(self, why):
		aborted = not self.joined and why != "silence"
		self._clear(why)
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
