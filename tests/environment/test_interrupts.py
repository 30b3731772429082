"""Ctrl-C and a test runner's time limit end a step in its middle: no thread stays, no database, and no guard."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from environment.lab import AUTHOR, INI, REVISION
from pytest_stairway.environment.threads import EnvironmentThread, GoesOn, Interrupted, in_own_thread, interruptible
from pytest_stairway.exceptions import ConnectionRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from environment.lab import Lab

pytestmark = [
    pytest.mark.usefixtures("_rubbish"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),
]

SLOW = {
    "a statement": "op.execute('SELECT pg_sleep(60)')",
    "a loop": "import time\nwhile True: time.sleep(0.01)",
    "a stubborn loop": "import time\nfor _ in range(100):\n    try: time.sleep(0.01)\n    except: pass",
    "an exception caught": "import time\ntry: time.sleep(0.6)\nexcept: pass\nop.execute('SELECT pg_sleep(60)')",
}
SLOW_ON_SQLITE = "op.execute('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n')"


@contextmanager
def control_c(after: float = 0.5) -> Iterator[None]:
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def environment_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "stairway-env"]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("kind", SLOW)
def test_control_c_during_a_step(lab: Lab, kind: str, driver: str) -> None:
    lab.write(lab.plain(driver=driver), a1=(SLOW[kind], "pass"))
    environment = lab.environment()
    session = lab.session(environment)
    started = time.monotonic()
    with control_c(), pytest.raises(KeyboardInterrupt):
        session.step("a1", upgrade=True)
    session.close()
    environment.sandbox.reset()
    assert environment_threads() == []
    assert time.monotonic() - started < 15
    left = {name for name in lab.server._made if name != lab.own.name}
    assert left == set()
    psycopg.connect(lab.libpq).close()


def test_control_c_during_a_step_with_asyncpg(lab: Lab) -> None:
    from environment.test_redirect import ASYNC_ENV

    lab.write(ASYNC_ENV.format(url=lab.url("asyncpg"), end="await engine.dispose()"), a1=(SLOW["a statement"], "pass"))
    session = lab.session()
    with control_c(), pytest.raises(KeyboardInterrupt):
        session.step("a1", upgrade=True)
    assert environment_threads() == []


def test_control_c_during_a_step_on_sqlite(sqlite_lab: Lab) -> None:
    sqlite_lab.write(None, a1=(SLOW_ON_SQLITE, "pass"))
    session = sqlite_lab.session()
    with control_c(), pytest.raises(KeyboardInterrupt):
        session.step("a1", upgrade=True)
    assert environment_threads() == []
    sqlite3.connect(sqlite_lab.folder / "mine.db").close()


def test_control_c_while_env_py_is_looked_at(lab: Lab) -> None:
    lab.write("import time\nwhile True: time.sleep(0.01)\n")
    for look in (lab.environment().probe, lab.environment().survey):
        with control_c(), pytest.raises(KeyboardInterrupt):
            look()
        assert environment_threads() == []


def test_control_c_while_a_run_ends(lab: Lab) -> None:
    lab.file("shop_flag.py", "slow = False\n")
    lab.write(lab.plain() + "import time, shop_flag\nwhile shop_flag.slow: time.sleep(0.01)\n")
    session = lab.session()
    session.step("a1", upgrade=True)
    import shop_flag  # type: ignore[import-not-found]

    shop_flag.slow = True
    with control_c(), pytest.raises(KeyboardInterrupt):
        session.close()
    assert environment_threads() == []


@pytest.mark.parametrize("slow", ["time.sleep(0.01)", "op.execute('SELECT pg_sleep(60)')"])
def test_a_time_limit_ends_a_step_and_the_walk_goes_on_with_new_databases(lab: Lab, slow: str) -> None:
    """As pytest-timeout does it: an exception in the test's thread, and then the next test."""
    from environment.test_redirect import ASYNC_ENV

    lab.file("shop_flag.py", "slow = True\n")
    env = ASYNC_ENV.format(url=lab.url("asyncpg"), end="await engine.dispose()")  # which nobody can cancel from outside
    lab.write(
        env,
        a1=AUTHOR,
        b2=(f"import time, shop_flag\nwhile shop_flag.slow: {slow}\nop.create_table('book')", "op.drop_table('book')"),
    )
    project = lab.project()
    assert project.check_revision(project.history["a1"]).findings == ()

    def expire(*_: object) -> None:
        raise TimeoutError("too slow")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        with pytest.raises(TimeoutError):
            project.check_revision(project.history["b2"])
    finally:
        signal.signal(signal.SIGALRM, previous)
    import shop_flag

    shop_flag.slow = False
    assert project.check_revision(project.history["b2"]).findings == ()


def test_an_interrupted_run_cannot_connect_any_more(lab: Lab) -> None:
    """Not to a throwaway database, and least of all to its own."""
    lab.file("shop_flag.py", "errors = []\n")
    up = f"""
    import time, shop_flag
    end = time.monotonic() + 3
    while time.monotonic() < end:
        try:
            sa.create_engine({lab.url()!r}, poolclass=sa.NullPool).connect().close()
            time.sleep(0.02)
        except BaseException as error:
            shop_flag.errors.append(error)
    """
    lab.write(None, a1=(up, "pass"))
    session = lab.session()
    with control_c(), pytest.raises(KeyboardInterrupt):
        session.step("a1", upgrade=True)
    import shop_flag

    assert any(isinstance(error, ConnectionRefused) for error in shop_flag.errors)
    for thread in environment_threads():
        thread.join(5)
    assert lab.own_tables() == set()


def test_pytest_after_control_c(pytester: pytest.Pytester) -> None:
    pytester.makefile(".ini", alembic=INI)
    folder = pytester.mkdir("migrations")
    env = """
from alembic import context
from sqlalchemy import create_engine
with create_engine("sqlite:///own.db").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
    (folder / "env.py").write_text(env)
    (folder / "versions").mkdir()
    up = f"import os, signal, threading; threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()\n    {SLOW_ON_SQLITE}"
    (folder / "versions" / "a1.py").write_text(REVISION.format(revision="a1", down=None, up=up, down_lines="pass"))
    pytester.mkdir("tmp")
    os.environ["TMPDIR"], before = str(pytester.path / "tmp"), os.environ.get("TMPDIR")
    try:
        result = pytester.runpytest_subprocess("--stairway", "-p", "no:randomly", "-p", "no:alembic", timeout=30)
    finally:
        os.environ.pop("TMPDIR")
        if before:
            os.environ["TMPDIR"] = before
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*KeyboardInterrupt*"])


# -- the thread itself ------------------------------------------------------------------------------------------------


def test_work_that_ends_is_not_interrupted() -> None:
    def work() -> str:
        with interruptible():
            time.sleep(0.3)
        return "done"

    assert in_own_thread(work, enough=lambda: True) == "done"


def test_a_loop_that_catches_everything_is_interrupted_until_it_ends() -> None:
    def work() -> None:
        with interruptible():
            for _ in range(3):
                try:
                    while True:
                        time.sleep(0.01)
                except:  # noqa: E722
                    pass

    assert in_own_thread(work, enough=lambda: True) is None


def test_an_interruption_leaves_no_lock_of_logging_taken() -> None:
    """Where it does, the next who asks for a logger waits for ever."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            with interruptible(), suppress(Interrupted):
                while True:
                    sum(range(20))
                    logging.getLogger("shop.engine")

    thread = EnvironmentThread(work)
    thread.start()
    for _ in range(100):
        thread.interrupt()
        time.sleep(0)
    over.set()
    assert thread.stop(grace=0)
    asking = threading.Thread(target=logging.getLogger, args=("shop.engine",), daemon=True)
    asking.start()
    asking.join(5)
    assert not asking.is_alive()


def test_our_own_cleaning_up_is_never_interrupted() -> None:
    cleaned = []

    def work() -> None:
        try:
            with interruptible():
                while True:
                    time.sleep(0.01)
        finally:
            time.sleep(0.5)
            cleaned.append(True)

    in_own_thread(work, enough=lambda: True)
    assert cleaned == [True]


def test_what_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_stairway.environment.threads.EnvironmentThread.stop", lambda self: self.wait(0))
    go = threading.Event()
    with pytest.raises(GoesOn):
        in_own_thread(go.wait, enough=lambda: True)
    go.set()


def test_nothing_is_started_beside_what_does_not_end() -> None:
    go = threading.Event()
    stuck = EnvironmentThread(lambda: go.wait(30))
    stuck.start()
    assert not stuck.stop(grace=0, patience=0.3)
    with pytest.raises(GoesOn):
        in_own_thread(lambda: None)
    go.set()
    assert stuck.wait(5)
    assert in_own_thread(lambda: "again") == "again"


def test_the_thread_knows_who_waits() -> None:
    seen = []
    thread = EnvironmentThread(lambda: seen.append(threading.current_thread().waiter))
    thread.start()
    thread.join()
    assert seen == [threading.get_ident()]
    assert issubclass(Interrupted, BaseException)
    assert not issubclass(Interrupted, Exception)
