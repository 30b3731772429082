"""What is granted in a database of MariaDB or MySQL is part of its schema; the users themselves belong to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from pytest_stairway.schema import reader_for
from pytest_stairway.schema.model import Key

from .mysql_lab import opened, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Server

    from .mysql_lab import MysqlLab

SCRIPT = """
CREATE TABLE author (id INT, name VARCHAR(10), email VARCHAR(10));
CREATE VIEW names AS SELECT name FROM author;
CREATE PROCEDURE clear() DELETE FROM author
"""
READER = "'stairway_reader'@'localhost'"
WHO = "privileges of stairway_reader@localhost"


@pytest.fixture
def lab(either_server: Server) -> Iterator[MysqlLab]:
    with opened(either_server) as lab:
        lab.run(SCRIPT)
        lab.run(f"CREATE USER {READER} IDENTIFIED BY 'secret'")
        yield lab
        lab.run(f"DROP USER {READER}")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("GRANT SELECT, INSERT ON author TO {}", f"{WHO} on author: still there after the downgrade"),
        ("GRANT SELECT (id, name) ON author TO {}", f"{WHO} on author: still there after the downgrade"),
        ("GRANT SELECT ON names TO {}", f"{WHO} on names: still there after the downgrade"),
        ("GRANT EXECUTE ON PROCEDURE clear TO {}", f"{WHO} on procedure clear: still there after the downgrade"),
        ("GRANT SELECT ON * TO {}", f"{WHO}: still there after the downgrade"),
    ],
)
def test_what_is_granted_is_seen_and_what_is_revoked_is_gone(lab: MysqlLab, statement: str, expected: str) -> None:
    before = lab.reader.read(lab.connection)
    lab.run(statement.format(READER))
    granted = lab.reader.read(lab.connection)
    assert told(before, granted) == [expected]
    assert told(lab.schema(), granted) == []
    lab.run(statement.format(READER).replace("GRANT ", "REVOKE ").replace(" TO ", " FROM "))
    assert told(before, lab.reader.read(lab.connection)) == []


def test_each_privilege_counts(lab: MysqlLab) -> None:
    lab.run(f"GRANT SELECT, UPDATE (id) ON author TO {READER}")
    before = lab.reader.read(lab.connection)
    lab.run(f"GRANT INSERT ON author TO {READER} WITH GRANT OPTION;\nGRANT UPDATE (name) ON author TO {READER}")
    assert told(before, lab.reader.read(lab.connection)) == [
        f"{WHO} on author: columns of UPDATE id before, id, name after",
        f"{WHO} on author: granted SELECT before, GRANT OPTION, INSERT, SELECT after",
    ]


def test_a_privilege_on_what_is_not_there_any_more_is_nothing(lab: MysqlLab) -> None:
    before = lab.reader.read(lab.connection)
    lab.run(f"CREATE TABLE post (id INT);\nGRANT SELECT ON post TO {READER}")
    assert Key("privileges of", "stairway_reader@localhost", "post") in lab.reader.read(lab.connection).objects()
    lab.run("DROP TABLE post")
    assert told(before, lab.reader.read(lab.connection)) == []


def test_users_are_no_part_of_a_database(lab: MysqlLab) -> None:
    before = lab.reader.read(lab.connection)
    lab.run("CREATE USER stairway_other@localhost")
    try:
        assert told(before, lab.reader.read(lab.connection)) == []
    finally:
        lab.run("DROP USER stairway_other@localhost")


def test_a_user_who_may_not_look_at_all_lists_reads_the_rest(lab: MysqlLab) -> None:
    database = lab.connection.scalar(text("SELECT DATABASE()"))
    lab.run(f"GRANT ALL ON `{database}`.* TO {READER}")
    url = make_url(lab.connection.engine.url).set(username="stairway_reader", password="secret")
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            schema = reader_for("mysql").read(connection)
            assert any(key.kind == "table" for key in schema)
    finally:
        engine.dispose()
