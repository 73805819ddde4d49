"""Checking that workers can start, before any of them is started."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from bitrecall.service.settings import Settings


def check_workers(settings: Settings) -> None:
    """Create the application once, in a separate process.

    An error that every worker would fail with, such as a missing driver or an unreadable password
    file, is raised here once. The separate process keeps modules that only workers need out of the
    parent process.

    Raises:
        BitrecallError: the error that a worker would fail with.
    """
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(_make_application, settings).result()


def _make_application(settings: Settings) -> None:
    from bitrecall.service.app import Service

    Service(settings)
