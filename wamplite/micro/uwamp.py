"""WAMP for MicroPython and CircuitPython: bytes in, bytes out. MIT licence; see docs/micro.md.

Call open(ticks_ms()) on each new connection; then, until `lost`, write what
step(data, ticks_ms()) returns. data: the bytes that came, or None.
"""

import json
from binascii import a2b_base64, b2a_base64


def since(then, now):
	return (now - then) & 0x1FFFFFFF  # ms; boards' counters wrap


def copy(value, leaf):
	if isinstance(value, dict):
		return {key: copy(value[key], leaf) for key in value}
	if isinstance(value, (list, tuple)):
		return [copy(item, leaf) for item in value]
	return leaf(value)


def to_json(value):
	if isinstance(value, (bytes, bytearray)):
		return "\0" + b2a_base64(value).decode().strip()
	known = isinstance(value, (str, bool, int, float, type(None)))
	if not known or isinstance(value, float) and value - value:
		raise ValueError("not for JSON: " + repr(value))  # a session's end
	return value


def from_json(value):
	is_binary = isinstance(value, str) and value[:1] == "\0"
	return a2b_base64(value[1:]) if is_binary else value


class Client:
	"""joined: the session's id, or 0. lost: why there is none any more, or ""."""

	timeout = 5000  # ms for an answer
	limit = 2048  # bytes of a message to us, and of what waits to be sent
	ticket = None
	left = False
	details = {}  # for handlers
	_now = 0

	def __init__(self, realm, **details):
		roles = {role: {} for role in ("caller", "callee", "publisher", "subscriber")}
		self._hello = 1, realm, dict(details, roles=roles)
		self._wishes = []  # [kind, options, uri, handler, id]: for all sessions
		self._asked = {}  # request: (kind, [options, uri], then, when)
		self.report = print  # takes the text of errors
		self.clear("not open")

	def sign(self, method, extra):
		return self.ticket

	def subscribe(self, topic, handler, options={}, kind=32):
		"""Have handler(*args, **kwargs) called for events, in all sessions."""
		self._wishes.append([kind, options, topic, handler, 0])
		self._ask(kind, None, options, topic)

	def register(self, procedure, handler, options={}):
		"""Serve a procedure likewise; handler returns the result."""
		self.subscribe(procedure, handler, options, 64)

	def unsubscribe(self, topic, kind=32):
		gone = [w for w in self._wishes if w[0] == kind and w[2] == topic]
		self._wishes = [w for w in self._wishes if w not in gone]
		for number in {w[4] for w in gone} - {0}:
			self._ask(kind + 2, None, number)

	def unregister(self, procedure):
		self.unsubscribe(procedure, 64)

	def publish(self, topic, *args, options={}, then=None, **kwargs):
		"""Publish; False: no session, no room. With then: acknowledged."""
		if then is not None:
			options = dict(options, acknowledge=True)
		return self._ask(16, then, options, topic, args, kwargs)

	def call(self, procedure, then, *args, options={}, **kwargs):
		"""Call; False, or later then(result, None) or then(args, error)."""
		return self._ask(48, then, options, procedure, args, kwargs)

	def open(self, now):
		self._now = now
		self.left = False
		self.clear("")
		self._begin()

	def leave(self):
		"""Say GOODBYE; once it is answered, `lost` is set."""
		self.left = True
		if not self.joined:
			return self.clear("left")
		self._send(6, {}, "wamp.close.close_realm")
		self._asked[0] = 6, ["GOODBYE"], None, self._now
		self.joined = 0

	def step(self, data, now, room=9999):
		"""At most `room` bytes are returned."""
		self._now = now
		if data and not self.lost:
			self._feed(data)
		for request, (kind, about, _, when) in self._asked.items():
			if since(when, now) > self.timeout:
				self._settle(request, [], "wamp.error.timeout")
				if kind not in (16, 48):
					self._end("no answer to " + str(about[-1]))
				break
		if not self.lost:
			if since(self._heard, now) > self._patience:
				self._end("silence")
			elif self.joined and since(self._said, now) > self.keepalive:
				self._said = now
				self._out += self._frame(b"", 1)
		out, self._out = self._out[:room], self._out[room:]
		return out

	def clear(self, why):
		self.lost = why
		self._in = self._out = b""
		self.joined = self._request = 0
		self._heard = self._now
		self._patience = 2 * self.keepalive  # ms
		for request in list(self._asked):
			self._settle(request, [why], "wamp.error.canceled")

	_end = clear

	def _settle(self, request, value, error=None):
		kind, about, then, _ = self._asked.pop(request, (0, 0, 0, 0))
		if kind in (16, 48):
			self._run(then, (value, error), {})
		elif kind > 6 and error:
			self.report(about[-1], error)

	def _run(self, handler, args, kwargs):
		try:
			handler(*args, **kwargs)
		except Exception as error:
			self.report(repr(error))

	def _send(self, *message):
		text = json.dumps(copy(message, to_json), separators=(",", ":")).encode()
		if len(text) > self.most:
			raise ValueError("too long")
		self._out += self._frame(text)

	def _ask(self, kind, then, *rest):
		busy = len(self._out) > self.limit or len(self._asked) > 31
		if not self.joined or busy and len(rest) > 2:
			return False
		self._send(kind, self._request + 1, *rest)
		self._request += 1
		if then is not None or kind != 16:
			self._asked[self._request] = kind, list(rest[:2]), then, self._now
		return True

	def _receive(self, text):
		try:
			message = copy(json.loads(text.decode()), from_json)
			payload = message[{50: 3, 8: 5}.get(message[0], 4) :]
			self._on(message, *payload + [[], {}][len(payload) :])
		except Exception as error:  # not of a handler
			self._end("not WAMP: " + repr(error))

	def _on(self, message, args, kwargs):
		kind, number = message[:2]
		if kind in (36, 50, 68):
			self.details = message[2 if kind == 50 else 3]
			target = message[kind // 32]
			handlers = [w[3] for w in self._wishes if w[0] == kind - 4 and w[4] == target]
		if self.left and kind != 6:
			pass  # GOODBYE was the last word
		elif kind == 2 and not self.joined:
			self.joined = number
			self._said = self._now
			self._patience = 3 * self.keepalive
			for wish in self._wishes:
				wish[4] = 0
				self._ask(wish[0], None, *wish[1:3])
		elif kind == 4:
			self._send(5, self.sign(number, message[2]), {})
		elif kind == 8:
			self._settle(message[2], args, message[4])
		elif kind in (17, 35, 67):
			self._settle(number, None)
		elif kind in (33, 65):
			about = self._asked.pop(number)[1]
			same = [w for w in self._wishes if w[:3] == [kind - 1] + about]
			for wish in same:
				wish[4] = message[2]
			if not same:  # undone meanwhile
				self._ask(kind + 1, None, message[2])
		elif kind == 36:
			for handler in handlers:
				self._run(handler, args, kwargs)
		elif kind == 50:
			many = len(args) > 1 or kwargs
			self._settle(number, (args, kwargs) if many else args[0] if args else None)
		elif kind == 68:
			try:
				value = handlers[0](*args, **kwargs)
				self._send(70, number, {}, [] if value is None else [value])
			except Exception as error:
				self.report(repr(error))
				why = "runtime_error" if handlers else "no_such_procedure"
				self._send(8, 68, number, {}, "wamp.error." + why, [str(error)])
		else:  # ABORT, GOODBYE
			if kind == 6 and not self.left:
				self._send(6, {}, "wamp.close.goodbye_and_out")
			last = self._out
			self._end(str(message[2]))
			self._out = last + self._out


class RawSocket(Client):
	"""Over TCP."""

	keepalive = 5000  # ms between pings; silent for thrice as long: lost

	def _begin(self):
		self.most = 0  # bytes the router takes; 0: not known
		self._out = bytes((0x7F, len(bin(self.limit)) - 12 << 4 | 1, 0, 0))

	def _frame(self, text, kind=0):
		return (kind << 24 | len(text)).to_bytes(4, "big") + text

	def _feed(self, data):
		self._heard = self._now
		self._in += data
		while len(self._in) > 3:
			kind = self._in[0]
			size = int.from_bytes(self._in[1:4], "big")
			if kind == 0x7F and size >> 16 & 15 == 1 and not self.most:
				self.most = 512 << (size >> 20)
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
