"""Connect uwamp.py, and come back after a loss: TCP, TLS or a UART. MIT licence; see docs/micro.md.

link = Tcp(wamp, host, port) or Uart(wamp, uart); then link.run(), in asyncio await link.serve().
"""

from errno import EAGAIN, EINPROGRESS
from random import getrandbits
from time import sleep

from uwamp import since

try:
	from time import ticks_ms
except ImportError:
	from time import monotonic_ns

	def ticks_ms():
		return monotonic_ns() // 1000000


NOT_NOW = EAGAIN, 2, 3  # 2 and 3: CPython's TLS waits for bytes


def attempt(does, value):
	"""None: not now."""
	try:
		return does(value)
	except OSError as error:
		if error.errno not in NOT_NOW:
			raise


class Link:
	"""One connection after another. What was subscribed and registered is so again in each."""

	first = 500  # ms from a loss to the next try; twice as long after each that fails
	longest = 30000  # ms
	patience = 10000  # ms for a connection
	pace = 20  # ms of rest where nothing comes or goes
	room = 512  # bytes at a time

	def __init__(self, wamp):
		self.wamp = wamp
		self._line = None
		self._is_up = False
		self._unsent = b""
		self._pause = self._rest = 0  # ms: the full one, and what chance has made of it
		self._when = ticks_ms()  # of the last try, or loss

	def run(self, work=None):
		"""Serve until wamp.leave() is done; call work() in each round."""
		self.wamp.left = False
		while not self._is_done():
			self.poll(self.pace)
			if work:
				work()

	async def serve(self):
		"""The same as a task of asyncio."""
		import asyncio

		self.wamp.left = False
		while not self._is_done():
			await asyncio.sleep(0 if self.step() else self.pace / 1000)

	def poll(self, wait):
		"""One round, which waits for bytes for so many ms at most."""
		if not self.step():
			self._wait(wait)

	def step(self):
		"""One round that waits for nothing; True: bytes came or went."""
		now = ticks_ms()
		if self.wamp.left and self.wamp.lost:
			self._drop()
			return False
		try:
			return self._is_ready(now) and self._carry(now)
		except (OSError, ValueError) as error:  # ValueError: a certificate
			self._lose(error)
		return False

	def _is_done(self):
		return self.wamp.left and self.wamp.lost and not self._line

	def _is_ready(self, now):
		if not self._line:
			if since(self._when, now) < self._rest:
				return False
			self._when = now
			self._line = self._connect()
		if not self._is_up and self._is_connected():
			self._is_up = True
			self.wamp.open(now)
		elif not self._is_up and since(self._when, now) > self.patience:
			raise OSError("no connection")
		return self._is_up

	def _carry(self, now):
		data = self._read()
		if self._unsent:
			self.wamp.step(data, now, 0)
		else:
			self._unsent = self.wamp.step(data, now, self.room)
		sent = (self._unsent and self._write(self._unsent)) or 0
		self._unsent = self._unsent[sent:]
		if self.wamp.joined:
			self._pause = 0
		if self.wamp.lost:
			self._lose(self.wamp.lost)
		return bool(data or sent)

	def _lose(self, why):
		if not self.wamp.left:
			self.wamp.report("lost: " + str(why))
		self.wamp.clear(str(why))
		self._pause = min(2 * self._pause or self.first, self.longest)
		self._rest = self._pause - getrandbits(16) % (self._pause // 2)  # not all boards at once
		self._when = ticks_ms()
		self._drop()

	def _drop(self):
		self._is_up = False
		self._unsent = b""
		line, self._line = self._line, None
		if line:
			self._close(line)

	def _wait(self, wait):
		sleep(wait / 1000)


class Tcp(Link):
	"""To host and port; tls: an SSLContext. A name is looked up as the port does: it may wait.

	Of several addresses each has its turn: localhost may be ::1, where nobody listens.
	"""

	def __init__(self, wamp, host, port, tls=None):
		super().__init__(wamp)
		self._host, self._port, self._tls, self._turn = host, port, tls, 0

	def _connect(self):
		from select import POLLOUT, poll
		from socket import SOCK_STREAM, getaddrinfo, socket

		found = getaddrinfo(self._host, self._port, 0, SOCK_STREAM)
		family, kind, proto, _, address = found[self._turn % len(found)]
		self._turn += 1
		line = socket(family, kind, proto)
		line.setblocking(False)
		try:
			line.connect(address)
		except OSError as error:
			if error.errno != EINPROGRESS:
				line.close()
				raise
		self._poll = poll()
		self._poll.register(line, POLLOUT)
		return line

	def _is_connected(self):
		from select import POLLIN

		if not self._poll.poll(0):
			return False
		self._poll.modify(self._line, POLLIN)
		if self._tls:
			self._line = self._tls.wrap_socket(
				self._line, server_hostname=self._host, do_handshake_on_connect=False
			)
		return True

	def _read(self):
		data = attempt(getattr(self._line, "read", None) or self._line.recv, self.room)
		if data == b"":
			raise OSError("closed by the router")
		return data

	def _write(self, out):
		return attempt(getattr(self._line, "write", None) or self._line.send, out)

	def _close(self, line):
		line.close()

	def _wait(self, wait):
		if self._line:
			self._poll.poll(wait)
		else:
			sleep(wait / 1000)


class Uart(Link):
	"""Over a machine.UART, or what reads and writes like one; for uwamp_serial.Serial."""

	room = 128

	def __init__(self, wamp, uart):
		super().__init__(wamp)
		self._uart = uart

	def _connect(self):
		return self._uart

	def _is_connected(self):
		return True

	def _read(self):
		return attempt(self._uart.read, self.room)

	def _write(self, out):
		return attempt(self._uart.write, out)

	def _close(self, line):
		pass
