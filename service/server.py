"""Running the service: the socket, the processes, the signals."""

import contextlib
import errno
import logging
import logging.config
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from events.place import place_of
from index.compiled import native
from service.errors import ListenError
from service.fresh.signal import make_signal_file
from service.guards.keys import read_keys
from service.guards.limits import raise_descriptor_limit
from service.guards.protocol import HttpProtocol
from service.observing.logs import log_config
from service.settings import Settings, as_environment, unknown_variables

BACKLOG: Final = 2048

_log = logging.getLogger(__name__)


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then finish the requests that have begun and return.

    With several workers each is a process of its own that loads the settings from the
    environment. Call it from the main thread. Raises ``ListenError`` when the address is in use
    or is not one of this machine, ``KeysError`` when the file of keys cannot be used, and
    ``EventsError`` when the URL of the events is none.
    """
    logging.config.dictConfig(log_config(settings))
    for name in unknown_variables(os.environ):
        _log.warning("%s is no setting of the service and has no effect", name)
    if native is None:
        _log.warning(
            "Bitrecall was installed without a C compiler: an answer takes about twice as long; "
            "install one, and Bitrecall again"
        )
    _say_where_events_are(settings)
    if settings.keys is not None:
        # Said here once, and not by every worker.
        read_keys(settings.keys)
    raise_descriptor_limit()
    with listening(settings.host, settings.port) as sock:
        host, port = sock.getsockname()[:2]
        _log.info("listening on %s", _address(host, port))
        if settings.workers == 1:
            # The process above several workers has no use for it, nor for FAISS.
            from service.app import Service

            app = Service(settings, address=_address(host, port))
            with _signals_that_return():
                uvicorn.Server(_config(settings, app)).run(sockets=[sock])
        else:
            with _signal_file(settings) as path:
                settings = settings.model_copy(update={"events_signal": path})
                with _exported(settings), _shared_metrics():
                    config = _config(settings, "service.app:from_environment")
                    Multiprocess(config, sockets=[sock]).run()


def _say_where_events_are(settings: Settings) -> None:
    if settings.events == "off":
        _log.info("events are not kept: BITRECALL_EVENTS is off")
        return
    place = place_of(settings.events)
    _log.info("events are kept in %s", place.shown)
    if place.warning is not None:
        _log.warning("%s", place.warning)


@contextlib.contextmanager
def _signal_file(settings: Settings) -> Iterator[Path]:
    """The file through which workers tell each other of new events."""
    if settings.events_signal is not None:
        yield settings.events_signal
        return
    path = make_signal_file()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _shared_metrics() -> Iterator[None]:
    """A folder, named in the environment, through which workers count together."""
    with tempfile.TemporaryDirectory(prefix="bitrecall-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        try:
            yield
        finally:
            os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens on an address; connections wait in it until a worker takes them.

    Raises ``ListenError`` saying what is wrong with the address.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"{host!r} is no address to listen on: {error.strerror}") from None
    with sock:
        try:
            # Or else the port stays taken for a minute after the last connection.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            sock.listen(BACKLOG)
        except OSError as error:
            advice = "; stop what listens there or choose another port"
            raise ListenError(
                f"cannot listen on {host} port {port}: {error.strerror}"
                + (advice if error.errno == errno.EADDRINUSE else "")
            ) from None
        sock.set_inheritable(True)
        yield sock


def _config(settings: Settings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        factory=isinstance(app, str),
        workers=settings.workers,
        loop="uvloop",
        http=HttpProtocol,
        ws="none",
        lifespan="on",
        log_config=log_config(settings),
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=settings.keep_alive_timeout,
        timeout_graceful_shutdown=settings.shutdown_timeout,
    )


@contextlib.contextmanager
def _signals_that_return() -> Iterator[None]:
    """Makes a graceful stop an ordinary return.

    Uvicorn raises the signal that stopped it again once it has shut down, which would end the
    process with the exit code of a killed one.
    """

    def already_obeyed(number: int, frame: FrameType | None) -> None:
        _log.debug("signal %d has been obeyed", number)

    before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {
        number: signal.signal(number, already_obeyed) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _exported(settings: Settings) -> Iterator[None]:
    """Puts the settings into the environment that workers inherit, and takes them out again."""
    before = dict(os.environ)
    os.environ.update(as_environment(settings))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
