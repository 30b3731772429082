"""Keeps the process's logging as it was, whatever an `env.py` or a migration does to it.

Most `env.py` files call ``logging.config.fileConfig``, which replaces the root logger's handlers, closes all others
(pytest's ``--log-file`` among them) and disables every logger that exists; ``basicConfig(force=True)`` closes the root
logger's.  A test runner puts its handlers in and takes them out around each test, so the state is kept for one turn of
`env.py` at a time, never for longer.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LoggingState", "preserved_logging"]

_Facts = tuple[int, bool, bool, list[Any], list[Any]]


class LoggingState:
    """What the loggers look like when it is made; others may do to logging what they like until `restore`.

    ``logging`` offers no public way to keep ``fileConfig`` from closing other people's handlers; its private list of
    all handlers is emptied meanwhile.
    """

    def __init__(self) -> None:
        self._loggers = {logger: _facts(logger) for logger in _all_loggers()}
        self._handlers = dict(logging._handlers)  # type: ignore[attr-defined]  # noqa: SLF001 - see the class
        self._closing = list(logging._handlerList)  # type: ignore[attr-defined]  # noqa: SLF001
        self._disabled = logging.root.manager.disable
        self._factory = logging.getLogRecordFactory()
        self._relays = [_Relay(handler) for handler in logging.root.handlers]
        logging._handlerList.clear()  # type: ignore[attr-defined]  # noqa: SLF001
        logging.root.handlers[:] = self._relays

    def renew(self) -> None:
        """Put out of force what was done so far; the turn goes on."""
        self._reset()
        logging.root.handlers[:] = self._relays

    def restore(self) -> None:
        """Bring back what the loggers looked like, and close what was put in."""
        self._reset()
        logging._handlers.update(self._handlers)  # type: ignore[attr-defined]  # noqa: SLF001
        logging._handlerList[:0] = self._closing  # type: ignore[attr-defined]  # noqa: SLF001

    def _reset(self) -> None:
        for logger in _all_loggers():
            before = self._loggers.get(logger)
            if before is None:
                _calm(logger)
            elif _facts(logger) != before:
                _restore(logger, before, self._relays)
        logging.disable(self._disabled)
        logging.setLogRecordFactory(self._factory)


@contextlib.contextmanager
def preserved_logging() -> Iterator[LoggingState]:
    """Keep the loggers' state for as long as the block lasts."""
    state = LoggingState()
    try:
        yield state
    finally:
        state.restore()


class _Relay(logging.Handler):
    """Stands in for a root handler, so that whoever closes it closes nothing."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self._handler = handler

    def handle(self, record: logging.LogRecord) -> bool:
        """Hand the record on, if its own level and filters let it."""
        return bool(record.levelno >= self._handler.level and self._handler.handle(record))

    def close(self) -> None:
        """Leave the other handler open."""


def _all_loggers() -> list[logging.Logger]:
    named = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    return [logging.root, *named]


def _facts(logger: logging.Logger) -> _Facts:
    return logger.level, logger.disabled, logger.propagate, logger.handlers.copy(), logger.filters.copy()


def _restore(logger: logging.Logger, facts: _Facts, relays: list[_Relay]) -> None:
    level, logger.disabled, logger.propagate, handlers, filters = facts
    if logger.level != level:
        logger.setLevel(level)
    _close(handler for handler in logger.handlers if handler not in handlers and handler not in relays)
    logger.handlers[:] = handlers
    logger.filters[:] = filters


def _calm(logger: logging.Logger) -> None:
    """Take from a new logger what must not outlive the turn: a test runner's captured streams are short-lived."""
    logger.disabled = False
    streams = [handler for handler in logger.handlers if type(handler) is logging.StreamHandler]
    logger.handlers[:] = [handler for handler in logger.handlers if handler not in streams]


def _close(handlers: Iterator[Any]) -> None:
    for handler in handlers:
        with contextlib.suppress(Exception):  # somebody else's handler
            handler.close()
