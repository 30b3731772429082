"""Whatever env.py or a migration does to logging, everybody else's loggers and handlers are as before."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

from environment.lab import AUTHOR, BOOK, INI, REVISION, WALKED
from pytest_stairway.environment.logs import LoggingState, preserved_logging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from environment.lab import Lab

LOGGING = """
[loggers]
keys = root,alembic,shop

[handlers]
keys = console,file

[formatters]
keys = plain

[logger_root]
level = ERROR
handlers = console,file

[logger_alembic]
level = CRITICAL
handlers = console
propagate = 0
qualname = alembic

[logger_shop]
level = DEBUG
handlers = console
qualname = shop.new

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain

[handler_file]
class = FileHandler
args = (%(log)r, "a")
formatter = plain

[formatter_plain]
format = %%(message)s
"""

FILE_CONFIG = "from logging.config import fileConfig\nfileConfig(context.config.config_file_name)"
DICT_CONFIG = """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"level": "ERROR", "handlers": ["console"]},
    "loggers": {"alembic": {"level": "CRITICAL", "propagate": False}},
})
"""
BASIC_CONFIG = "import logging; logging.basicConfig(force=True, level=logging.ERROR)"
BY_HAND = """
import logging
for handler in list(logging.root.handlers):
    handler.close()
    logging.root.removeHandler(handler)
logging.root.setLevel(logging.CRITICAL)
logging.disable(logging.CRITICAL)
logging.getLogger("alembic").disabled = True
logging.getLogger("shop.old").addFilter(lambda record: False)
logging.setLogRecordFactory(lambda *args, **kwargs: 1 / 0)
"""
WAYS = {"fileConfig": FILE_CONFIG, "dictConfig": DICT_CONFIG, "basicConfig": BASIC_CONFIG, "by-hand": BY_HAND}


class Keeper(logging.Handler):
    """A handler that may not be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self.closed = False

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    """A named handler on the root logger and on one that no configuration knows."""
    keeper = Keeper()
    keeper.set_name("keeper")
    loggers = [logging.root, logging.getLogger("shop.old")]
    for logger in loggers:
        logger.addHandler(keeper)
    yield keeper
    for logger in loggers:
        logger.removeHandler(keeper)


def facts() -> dict[str, Any]:
    loggers = [
        logging.root,
        *(logging.getLogger(name) for name in ("alembic", "alembic.runtime.migration", "shop.old", "sqlalchemy")),
    ]
    state: dict[str, Any] = {
        logger.name: (logger.level, logger.disabled, logger.propagate, list(logger.handlers), list(logger.filters))
        for logger in loggers
    }
    state["disable"] = logging.root.manager.disable
    state["factory"] = logging.getLogRecordFactory()
    alive = [reference() for reference in logging._handlerList]  # type: ignore[attr-defined]
    state["handlers"] = [handler for handler in alive if handler is not None and not getattr(handler, "_closed", False)]
    state["named"] = logging._handlers.get("keeper")  # type: ignore[attr-defined]
    return state


def write(lab: Lab, head: str) -> None:
    lab.write(lab.plain(head), ini=INI + LOGGING % {"log": str(lab.folder / "shop.log")})


@pytest.mark.parametrize("way", WAYS)
def test_loggers_are_as_before_after_every_step(sqlite_lab: Lab, keeper: Keeper, way: str) -> None:
    write(sqlite_lab, WAYS[way])
    session = sqlite_lab.session()
    before = facts()
    for revision in ("a1", "b2"):
        session.step(revision, upgrade=True)
        assert facts() == before
    session.close()
    assert facts() == before
    assert not keeper.closed


@pytest.mark.parametrize("way", WAYS)
def test_what_alembic_and_migrations_log_reaches_the_handlers_that_were_there(
    sqlite_lab: Lab, keeper: Keeper, way: str
) -> None:
    write(sqlite_lab, WAYS[way])
    sqlite_lab.revisions(
        a1=(
            "import logging; logging.getLogger('shop.old').error('hello'); logging.getLogger('shop.new').error('new')",
            "pass",
        ),
        b2=BOOK,
    )
    logging.getLogger("alembic").setLevel(logging.INFO)
    try:
        sqlite_lab.session().step("a1", upgrade=True)
    finally:
        logging.getLogger("alembic").setLevel(logging.NOTSET)
    assert {"hello", "new", "Running upgrade  -> a1, empty message"} & set(keeper.messages) >= {"hello", "new"}
    assert any(message.startswith("Running upgrade") for message in keeper.messages)


@pytest.mark.parametrize("way", WAYS)
def test_a_migration_that_configures_logging(sqlite_lab: Lab, keeper: Keeper, way: str) -> None:
    write(sqlite_lab, "")
    up = f"from alembic import context\n{WAYS[way].strip()}\n"
    sqlite_lab.revisions(a1=(up, "pass"), b2=AUTHOR)
    session = sqlite_lab.session()
    before = facts()
    session.step("a1", upgrade=True)
    assert facts() == before
    assert not keeper.closed
    session.step("b2", upgrade=True)


def test_handlers_that_a_test_runner_puts_in_and_takes_out_between_two_steps(sqlite_lab: Lab) -> None:
    """Pytest does that around every test: a state kept for longer than a step would bring back old handlers."""
    write(sqlite_lab, FILE_CONFIG)
    session = sqlite_lab.session()
    handler = Keeper()
    logging.root.addHandler(handler)
    session.step("a1", upgrade=True)
    logging.root.removeHandler(handler)
    session.step("b2", upgrade=True)
    assert handler not in logging.root.handlers
    session.close()
    assert handler not in logging.root.handlers


def test_the_files_that_env_py_opens_for_logging_are_closed(sqlite_lab: Lab, recwarn: pytest.WarningsRecorder) -> None:
    import gc

    write(sqlite_lab, FILE_CONFIG)
    assert sqlite_lab.walk() == WALKED
    gc.collect()
    assert not [warning for warning in recwarn if issubclass(warning.category, ResourceWarning)]


def test_a_new_loggers_captured_stream_is_forgotten() -> None:
    with preserved_logging():
        logger = logging.getLogger("shop.made.in.a.turn")
        logger.addHandler(logging.StreamHandler(sys.stderr))
        logger.addHandler(null := logging.NullHandler())
        logger.disabled = True
    assert logger.handlers == [null]
    assert not logger.disabled


def test_renewing_keeps_the_shield() -> None:
    handler = Keeper()
    logging.root.addHandler(handler)
    state = LoggingState()
    try:
        logging.basicConfig(force=True)
        state.renew()
        logging.getLogger("shop").error("heard")
        logging.basicConfig(force=True)
    finally:
        state.restore()
    assert handler in logging.root.handlers
    logging.root.removeHandler(handler)
    assert handler.messages == ["heard"]
    assert not handler.closed


def test_pytests_own_handlers(pytester: pytest.Pytester) -> None:
    """With a log file, captured logs in each item's report, and a test of somebody else's before and after."""
    pytester.makefile(".ini", alembic=INI + "sqlalchemy.url = sqlite:///own.db\n" + LOGGING % {"log": "shop.log"})
    folder = pytester.mkdir("migrations")
    env = f"""
from alembic import context
from sqlalchemy import create_engine
{FILE_CONFIG}
with create_engine("sqlite:///own.db").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
    (folder / "env.py").write_text(env)
    (folder / "versions").mkdir()
    for revision, down in (("a1", None), ("b2", "a1")):
        up = (
            f"import logging; logging.getLogger('shop').warning('upgrading {revision}')\n    op.execute('SELECT nothing')"
            if revision == "b2"
            else "pass"
        )
        (folder / "versions" / f"{revision}.py").write_text(
            REVISION.format(revision=revision, down=down, up=up, down_lines="pass")
        )
    pytester.makepyfile(
        test_a="""
        import logging
        def test_logs(caplog):
            logging.getLogger("shop").warning("a test")
            assert caplog.messages == ["a test"]
        """
    )
    result = pytester.runpytest_subprocess(
        "--stairway",
        "--log-file=run.log",
        "--log-file-level=INFO",
        "-p",
        "no:randomly",
        "-p",
        "no:alembic",
        "-W",
        "error::ResourceWarning",
        "test_a.py",
        ".",
    )
    log = (pytester.path / "run.log").read_text()
    assert "upgrading b2" in log
    assert "Running upgrade" in log
    assert log.count("a test") == 1
    result.stdout.fnmatch_lines(["*upgrading b2*"])
    assert not (pytester.path / "own.db").exists()


def test_a_turn_costs_little(tmp_path: Path) -> None:
    import timeit

    for number in range(100):
        logging.getLogger(f"shop.many.{number}")
    seconds = min(timeit.repeat(lambda: LoggingState().restore(), number=100, repeat=3)) / 100
    assert seconds < 0.002
