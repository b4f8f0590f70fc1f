"""TwinServer: the faces on loopback, one port each, in a thread of their own, with faults carried out around them."""

from __future__ import annotations

import asyncio
import ssl
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType

from keyctl.twin.call import Answer, Call
from keyctl.twin.control import Control
from keyctl.twin.face import Face
from keyctl.twin.faults import Fault, FaultKind, FaultList
from keyctl.twin.keys import Key, MadeKey
from keyctl.twin.oddities import INSTEAD, ODDLY, answer_instead, hold, send_oddly, with_odd_row
from keyctl.twin.record import Logged
from keyctl.twin.venue import Venue, wall_clock_ms
from keyctl.twin.wire import BadRequest, Connection, raw_answer

HOST, HOST_IPV6 = "127.0.0.1", "::1"
FREE_PORT_TRIES = 5
# Turns of the event loop in which a connection that was accepted comes to its task, with some to spare.
ACCEPT_TURNS = 8


@dataclass(slots=True)
class _Port:
    """One exchange on the server."""

    face: Face
    venue: Venue
    control: Control
    number: int = 0
    listeners: list[asyncio.Server] = field(default_factory=list)


class TwinServer:
    """A server of exchange faces: `with TwinServer(all_faces()) as twin: twin.endpoint(exchange)`.

    `ports` maps an exchange to a fixed port (default: any free one); `delay_seconds` is waited before each answer;
    `now_ms` is the clock of all venues; `ipv6`: the same ports are open on ::1 too. What the twin itself does wrong is
    answered with HTTP 500 and kept in `faults_of_its_own`.
    """

    def __init__(
        self,
        faces: Iterable[Face],
        *,
        now_ms: Callable[[], int] = wall_clock_ms,
        delay_seconds: float = 0.0,
        ssl_context: ssl.SSLContext | None = None,
        ports: dict[str, int] | None = None,
        ipv6: bool = False,
    ) -> None:
        self.delay_seconds = delay_seconds
        self.faults = FaultList()
        self.faults_of_its_own: list[str] = []
        self._ssl = ssl_context
        self._hosts = (HOST, HOST_IPV6) if ipv6 else (HOST,)
        self._ports: dict[str, _Port] = {}
        for face in faces:
            facts = (face.instruments(), face.perpetuals(), face.derivative_rules())
            venue = Venue(face.name, *facts, purses=face.start_purses, now_ms=now_ms)
            control = Control(self, venue)
            self._ports[face.name] = _Port(face, venue, control, (ports or {}).get(face.name, 0))
        self._connections: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None

    @property
    def exchanges(self) -> tuple[str, ...]:
        """The names of the exchanges that are served."""
        return tuple(self._ports)

    def endpoint(self, exchange: str) -> str:
        """The scheme, address and port on which an exchange is served."""
        return f"{'https' if self._ssl else 'http'}://{HOST}:{self._ports[exchange].number}"

    def venue(self, exchange: str) -> Venue:
        """The state behind an exchange, for direct inspection in the same process."""
        return self._ports[exchange].venue

    def control(self, exchange: str) -> Control:
        """The operations of the control path as methods."""
        return self._ports[exchange].control

    def add_key(self, exchange: str, key: MadeKey | Key) -> None:
        """The exchange knows the key from now on."""
        self.venue(exchange).add_key(key.key if isinstance(key, MadeKey) else key)

    def fault(self, fault: Fault) -> Fault:
        """The fault is waiting for its calls; `used` tells how often it struck."""
        return self.faults.add(fault)

    def refuse(self, exchange: str, refused: bool) -> None:
        """New connections to an exchange's port are refused, or taken again."""
        port = self._ports[exchange]
        if self._loop is not None and refused is bool(port.listeners):
            change = self._deafen(port) if refused else self._listen(port)
            asyncio.run_coroutine_threadsafe(change, self._loop).result()

    # Life.

    def start(self) -> TwinServer:
        """The server itself, listening. Raises OSError when a port cannot be had."""
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="keyctl-twin", daemon=True)
        self._thread.start()
        started.wait()
        if self._failure is not None:
            self._thread.join()
            self._loop = self._stop = self._thread = None
            raise self._failure
        return self

    def stop(self) -> None:
        """Listening and every connection, hanging ones too, are ended; returns when the thread is gone."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._loop = self._stop = self._thread = None

    def __enter__(self) -> TwinServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, started: threading.Event) -> None:
        try:
            asyncio.run(self._serve(started))
        except OSError as error:
            self._failure = error
        finally:
            started.set()

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            for port in self._ports.values():
                await self._listen(port)
            started.set()
            await self._stop.wait()
        finally:
            for port in self._ports.values():
                await self._deafen(port)
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

    async def _listen(self, port: _Port) -> None:
        if port.listeners:
            return
        wanted = port.number
        for tries_left in reversed(range(FREE_PORT_TRIES)):
            try:
                for host in self._hosts:
                    accept = self._acceptor(port)
                    listener = await asyncio.start_server(accept, host, port.number, ssl=self._ssl, backlog=512)
                    port.listeners.append(listener)
                    port.number = listener.sockets[0].getsockname()[1]
                return
            except OSError:
                # A port that is free at one address may be taken at the other.
                await self._deafen(port)
                port.number = wanted
                if wanted or not tries_left:
                    raise

    async def _deafen(self, port: _Port) -> None:
        # What was accepted just now becomes a connection first: asyncio leaves its socket open otherwise.
        for sock in (sock for listener in port.listeners for sock in listener.sockets):
            asyncio.get_running_loop().remove_reader(sock)
        for _ in range(ACCEPT_TURNS):
            await asyncio.sleep(0)
        while port.listeners:
            port.listeners.pop().close()

    def _acceptor(self, port: _Port) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.get_running_loop().create_task(self._converse(port, Connection(reader, writer)))
            self._connections.add(task)
            task.add_done_callback(lambda done: self._ended(done, writer))

        return accept

    def _ended(self, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        self._connections.discard(task)
        if task.cancelled():
            writer.transport.abort()  # a task that was canceled before it began has closed nothing
        elif (error := task.exception()) is not None:
            self.faults_of_its_own.append("".join(traceback.format_exception(error)))

    # One connection.

    async def _converse(self, port: _Port, connection: Connection) -> None:
        try:
            if self.faults.on_accept(port.face.name):
                connection.reset()
                return
            while await self._exchange(port, connection):
                pass
        except BadRequest as bad:
            await connection.send(raw_answer(bad.answer, close=True))
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client went away, which is its right
        finally:
            if not connection.writer.transport.is_closing():
                connection.writer.close()

    async def _exchange(self, port: _Port, connection: Connection) -> bool:
        """One call and its answer; whether the connection stays open for the next one."""
        line = await connection.read_line()
        if line is None:
            return False
        method, target = line
        address = port.venue.pretended_address or connection.address
        early = Call(method, target, {}, b"", address)
        if port.control.owns(early.path):
            call = await connection.read_rest(method, target, address)
            return await self._send(port, connection, call, self._guarded(port, lambda: port.control.handle(call)))
        if self.faults.on_line(port.face.name, port.face.operation(early), early.path):
            port.venue.calls.add(port.venue.now_ms(), early, port.face.operation(early)).fault = FaultKind.RESET_UNREAD
            connection.reset()
            return False
        call = await connection.read_rest(method, target, address)
        operation = port.face.operation(call)
        logged = port.venue.calls.add(port.venue.now_ms(), call, operation)
        fault = self.faults.on_call(port.face.name, operation, call.path)
        if fault is not None:
            logged.fault = fault.kind
            return await self._fail(port, connection, call, fault, logged)
        answer = self._handle(port, call)
        logged.status = answer.status
        return await self._send(port, connection, call, answer)

    async def _send(self, port: _Port, connection: Connection, call: Call, answer: Answer) -> bool:
        close = call.headers.get("connection", "").lower() == "close"
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        await connection.send(raw_answer(answer, close=close, now_ms=port.venue.now_ms()))
        return not close

    def _handle(self, port: _Port, call: Call, *, late: Fault | None = None, lies: bool = False) -> Answer:
        venue = port.venue
        with venue.lock:
            before = venue.hide_seconds, venue.hide_queries
            settings = venue.derivatives.settings() if lies else None
            if late is not None:
                venue.hide_seconds, venue.hide_queries = late.seconds, late.queries
            try:
                return self._guarded(port, lambda: port.face.handle(call, venue))
            finally:
                venue.hide_seconds, venue.hide_queries = before
                if settings is not None:
                    venue.derivatives.restore(settings)

    def _guarded(self, port: _Port, answer: Callable[[], Answer]) -> Answer:
        # The one place where any exception is caught: a mistake of the twin must show as such, and as nothing else.
        try:
            return answer()
        except Exception:  # noqa: BLE001 - a fault of the twin is told, not hidden in a thread
            text = traceback.format_exc()
            self.faults_of_its_own.append(f"{port.face.name}: {text}")
            return Answer(500, f"the twin itself failed:\n{text}".encode(), content_type="text/plain")

    # Faults.

    async def _fail(self, port: _Port, connection: Connection, call: Call, fault: Fault, logged: Logged) -> bool:
        if fault.kind is FaultKind.HOLD:
            await hold(fault)
        late = fault if fault.kind is FaultKind.LATE else None
        taken = self._handle(port, call, late=late, lies=fault.kind is FaultKind.LIES) if fault.takes else None
        if fault.kind in (FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER):
            connection.reset()
            return False
        if fault.kind in (FaultKind.HANG_BEFORE, FaultKind.HANG_AFTER):
            await connection.hang()
            return False
        if taken is None or fault.kind in INSTEAD:
            answer = answer_instead(fault)
        elif fault.kind in (FaultKind.WRONG_ECHO, FaultKind.ECHO_OTHER):
            what = fault.what if fault.kind is FaultKind.WRONG_ECHO else "leverage"
            answer = port.face.with_wrong_echo(taken, what)
        elif fault.kind is FaultKind.ODD_ROW:
            answer = with_odd_row(taken, fault.body, port.face.list_fields)
        else:
            answer = taken
        logged.status = answer.status
        if fault.kind in ODDLY:
            return await send_oddly(connection, answer, fault)
        if fault.kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        return await self._send(port, connection, call, answer)
