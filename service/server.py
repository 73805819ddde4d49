"""Running the service: its socket, processes and signals."""

import contextlib
import logging
import logging.config
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from bitrecall.events.location import events_location
from bitrecall.index.search.native_module import native
from bitrecall.service.auth.keyring import read_keys
from bitrecall.service.environment import as_environment, unknown_variables
from bitrecall.service.http.connection_limits import connection_limit, raise_descriptor_limit
from bitrecall.service.http.versions import untested_versions, untested_warning
from bitrecall.service.observability.logs import log_config
from bitrecall.service.online.wakeup import make_wakeup_file
from bitrecall.service.preflight import check_workers
from bitrecall.service.settings import Settings
from bitrecall.service.shared_folder import METRICS_VARIABLE, shared_folder
from bitrecall.service.sockets import BACKLOG, listen_on, url_of
from bitrecall.service.terminal import Terminal

_log = logging.getLogger(__name__)

Handler = Callable[[int, FrameType | None], object]


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then finish running requests and return.

    On SIGHUP a single worker reads the keys and the current release again; several workers are
    replaced one after the other. Several workers are separate processes, which load the settings
    from the environment. Call it from the main thread.

    Raises:
        ListenError: the address is in use or does not belong to this machine.
        KeysError: the key file cannot be used.
        EventsError: the events URL is invalid, the driver of the database is not installed, or the
            password file cannot be read.
    """
    logging.config.dictConfig(log_config(settings))
    for name in unknown_variables(os.environ):
        _log.warning("%s is not a setting of the service and has no effect", name)
    if native is None:
        _log.warning(
            "Bitrecall was installed without a C compiler: responses take about twice as long; "
            "install a compiler and reinstall Bitrecall"
        )
    if (untested := untested_warning()) is not None:
        _log.warning("%s", untested)
    _log_events_location(settings)
    if settings.keys is not None:
        # Workers that are replaced later tolerate an invalid file; at the start it has to be valid.
        read_keys(settings.keys)
    raise_descriptor_limit()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_signal_handlers({signal.SIGHUP: _not_started}))
        if settings.workers > 1:
            check_workers(settings)
        sock = stack.enter_context(listen_on(settings))
        if settings.workers == 1:
            _serve(settings, sock)
        else:
            _supervise(settings, sock)
        _log.info("stopped: all running requests were completed")


def _log_events_location(settings: Settings) -> None:
    if settings.events == "off":
        _log.info("events are not stored: BITRECALL_EVENTS is off")
        return
    location = events_location(settings.events)
    _log.info("events are stored in %s", location.text)
    if location.warning is not None:
        _log.warning("%s", location.warning)


def _serve(settings: Settings, sock: socket.socket) -> None:
    """Serve in this process."""
    # Imported here: the parent process of several workers needs neither Service nor FAISS.
    from bitrecall.service.app import Service

    app = Service(settings, address=url_of(sock))
    _log.info("listening on %s", url_of(sock))
    server = uvicorn.Server(_config(settings, app))
    terminal = Terminal()

    def hang_up(number: int, frame: FrameType | None) -> None:
        if terminal.is_gone():
            server.should_exit = True
        else:
            app.reload_soon()

    # After its shutdown uvicorn raises the signal that stopped it again. Without a handler the
    # process would end with the exit code of a killed process.
    with _signal_handlers(
        {signal.SIGHUP: hang_up, signal.SIGINT: _already_handled, signal.SIGTERM: _already_handled}
    ):
        server.run(sockets=[sock])


def _supervise(settings: Settings, sock: socket.socket) -> None:
    """Serve in worker processes."""
    _log.info("listening on %s", url_of(sock))
    with shared_folder() as folder:
        if settings.events_signal is None:
            path = make_wakeup_file(folder)
            settings = settings.model_copy(update={"events_signal": path})
        with _exported_settings(settings, folder):
            config = _config(settings, "bitrecall.service.app:from_environment")
            if untested_versions():
                from uvicorn.supervisors import Multiprocess

                Multiprocess(config, [sock]).run()
            else:
                from bitrecall.service.supervisor import Supervisor

                Supervisor(config, [sock], settings.startup_timeout, Terminal()).run()


def _config(settings: Settings, app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        factory=isinstance(app, str),
        workers=settings.workers,
        loop="uvloop",
        **_protocol(settings),
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


def _protocol(settings: Settings) -> dict[str, Any]:
    """Uvicorn's arguments for the protocol class."""
    if untested_versions():
        # uvicorn's closest equivalent to a limit on connections; above it uvicorn sends 503.
        return {
            "http": "auto",
            "limit_concurrency": connection_limit(settings.max_connections),
        }
    # Importing it can fail with another version.
    from bitrecall.service.http.protocol import HttpProtocol

    return {"http": HttpProtocol}


@contextlib.contextmanager
def _signal_handlers(handlers: dict[signal.Signals, Handler]) -> Iterator[None]:
    """Install signal handlers, and restore the previous ones at the end."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _already_handled(number: int, frame: FrameType | None) -> None:
    _log.debug("signal %d was handled by uvicorn", number)


def _not_started(number: int, frame: FrameType | None) -> None:
    _log.info("nothing to reload yet: the service is starting")


@contextlib.contextmanager
def _exported_settings(settings: Settings, folder: Path) -> Iterator[None]:
    """Export the settings to the environment that workers inherit; restore it at the end.

    Also exports the folder through which workers share their metrics.
    """
    before = dict(os.environ)
    metrics = folder / "metrics"
    metrics.mkdir()
    os.environ.update(as_environment(settings) | {METRICS_VARIABLE: str(metrics)})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
