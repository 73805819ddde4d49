"""Whether workers can be made at all, tried before any of them is started."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from bitrecall.service.settings import Settings


def check_workers(settings: Settings) -> None:
    """Make the application once, in a process that ends with that.

    So what every worker would fail with, such as a driver that is not installed or a password file
    that cannot be read, is raised here, once, and the process above the workers does not keep in
    memory what only they need.

    Raises a BitrecallError, the one that a worker would end with.
    """
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        pool.submit(_make_application, settings).result()


def _make_application(settings: Settings) -> None:
    from bitrecall.service.app import Service

    Service(settings)
