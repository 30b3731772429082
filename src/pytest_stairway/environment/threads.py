"""The thread in which `env.py` runs, and how to get it back when it does not come by itself.

A thread of its own keeps an async `env.py` away from a test runner's event loop, and lets a run be held between two
steps.  Whoever started it waits for it meanwhile.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pytest_stairway.exceptions import StairwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["EnvironmentThread", "GoesOn", "Interrupted", "in_own_thread", "interruptible", "waiting_thread"]

T = TypeVar("T")

STEP = 0.1
"""Seconds between two looks at whether a thread should still be waited for."""

GRACE = 2.0
"""Seconds that a thread gets to end by itself; an exception that comes just then may hit anything."""

PATIENCE = 5.0
"""Seconds that an interrupted thread gets to end."""

MOMENT = 0.001
"""Seconds after which to look again at a thread that cannot be interrupted just now."""

_TAKE_LOCKS = frozenset({"logging", "importlib._bootstrap"})
"""Modules that take a lock of the whole process without a ``with`` statement: an exception between the taking and the
``try`` would leave it taken for good."""


class Interrupted(BaseException):
    """Raised in the middle of `env.py`, where nobody waits for it any more; no ``except Exception`` stops it."""


class GoesOn(StairwayError):
    """`env.py` was interrupted, and does not end."""

    def __init__(self) -> None:
        super().__init__("env.py goes on although it was interrupted: it waits for something, or catches everything")


class EnvironmentThread(threading.Thread, Generic[T]):
    """Does one piece of work, and keeps what came of it.

    Args:
        work: what to do.
    """

    _stuck: ClassVar[list[EnvironmentThread[Any]]] = []

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__(name="stairway-env", daemon=True)
        self._work = work
        self.waiter = threading.get_ident()
        """The thread that started this one, and waits for it."""
        self.outcome: T | None = None
        self.error: BaseException | None = None
        self._interruptible = False
        self._turn = threading.Lock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin the work.

        Raises:
            GoesOn: an earlier run of `env.py` has not ended, and two at once would get in each other's way.
        """
        if not all(thread.wait(0) for thread in EnvironmentThread._stuck):
            raise GoesOn
        super().start()

    def run(self) -> None:
        """Work."""
        try:
            self.outcome = self._work()
        except BaseException as error:  # noqa: BLE001 - whoever waits looks at it
            self.error = error
        finally:
            self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, at most so long; tell whether it has come.

        A ``join()`` that Ctrl-C interrupts takes a running thread for an ended one (CPython up to 3.12).
        """
        if self._ended.wait(seconds):
            self.join()
            return True
        return False

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let `stop` interrupt what is done in the block; outside it, our own cleaning up is never torn apart."""
        self._interruptible = True
        try:
            yield
        finally:
            while self._interruptible:
                with contextlib.suppress(Interrupted):  # which may come just now
                    self._leave()

    def _leave(self) -> None:
        with self._turn:
            self._interruptible = False
        for _ in range(3):  # what was set before is raised at the end of a turn of a loop
            pass

    def stop(self, *, grace: float = GRACE, patience: float = PATIENCE) -> bool:
        """Wait for the end, then interrupt the work until it comes; tell whether it did.

        One exception is not enough: a retry loop with a bare ``except`` swallows it.  What waits inside C code (a long
        ``time.sleep()``) is reached only when it returns.
        """
        deadline = time.monotonic() + grace + patience
        ended = self.wait(grace)
        while not ended and time.monotonic() < deadline:
            ended = self.wait(STEP if self.interrupt() else MOMENT)
        if not ended:
            EnvironmentThread._stuck.append(self)
        return ended

    def interrupt(self) -> bool:
        """Raise `Interrupted` in the thread at its next step, unless that could leave a lock taken.

        Returns:
            Whether there is nothing to try again in a moment.
        """
        with self._turn:
            if not self._interruptible:
                return True
            if _takes_lock(self):
                return False
            _raise_in(self, Interrupted)
        return True


def in_own_thread(work: Callable[[], T], *, enough: Callable[[], bool] = lambda: False) -> T | None:
    """Do work in a thread of its own.

    Args:
        work: what to do.
        enough: asked now and then; once it says yes, the work is interrupted.

    Returns:
        What `work` returned; None where it was interrupted.

    Raises:
        BaseException: whatever `work` raised, or what ended the waiting.
        GoesOn: the work was interrupted and does not end.
    """
    thread = EnvironmentThread(work)
    thread.start()
    try:
        while not thread.wait(STEP) and not enough():
            pass
    except BaseException:
        thread.stop(grace=0)
        raise
    if not thread.stop():
        raise GoesOn
    if thread.error is not None and not isinstance(thread.error, Interrupted):
        raise thread.error
    return thread.outcome


def interruptible() -> contextlib.AbstractContextManager[None]:
    """Let the current thread be interrupted, where it is one of ours."""
    thread = threading.current_thread()
    return thread.interruptible() if isinstance(thread, EnvironmentThread) else contextlib.nullcontext()


def waiting_thread() -> int | None:
    """Name the thread that waits for the current one, where this is one of ours."""
    thread = threading.current_thread()
    return thread.waiter if isinstance(thread, EnvironmentThread) else None


def _takes_lock(thread: threading.Thread) -> bool:
    """Tell whether a thread is inside of what takes locks; an exception set now is raised before it gets there."""
    frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 - documented; no other way shows another thread
    return frame is not None and frame.f_globals.get("__name__") in _TAKE_LOCKS


def _raise_in(thread: threading.Thread, error: type[BaseException]) -> None:
    """Let an exception be raised in a thread at its next step.

    Only C's API can do this (and no other way reaches a thread that loops); without it, a thread ends when it likes.
    What was set is not taken back: after that, CPython 3.11 never leaves a function that is traced.
    """
    raise_in: Any = getattr(getattr(ctypes, "pythonapi", None), "PyThreadState_SetAsyncExc", None)
    if raise_in is not None and thread.ident is not None:
        raise_in(ctypes.c_ulong(thread.ident), ctypes.py_object(error))
