"""Databases of MariaDB and MySQL for these tests, and what is told of them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from pytest_stairway.schema import Schema, Verdict, compare_schemas, reader_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from pytest_stairway.databases import Server

_SCRIPT = """
CREATE TABLE team (id INT PRIMARY KEY AUTO_INCREMENT, code VARCHAR(10), UNIQUE KEY uq_team_code (code));
CREATE TABLE author (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    name VARCHAR(60) NOT NULL DEFAULT 'nobody, (really)' COMMENT 'who, or `what`; it''s',
    email VARCHAR(50) CHARACTER SET latin1 COLLATE latin1_general_ci,
    born DATE,
    seen DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    state ENUM('new','old, (very)') DEFAULT 'new',
    score DECIMAL(10,2) UNSIGNED CHECK (score > 1),
    twice DECIMAL(12,2) GENERATED ALWAYS AS (score * 2) VIRTUAL,
    hidden INT INVISIBLE DEFAULT 7,
    key_ VARBINARY(4) DEFAULT X'00FF',
    team_id INT,
    place POINT NOT NULL,
    body TEXT,
    PRIMARY KEY (id),
    KEY ix_author_name (name(20), born DESC) COMMENT 'by name',
    UNIQUE KEY uq_author_email (email),
    FULLTEXT KEY ft_author_body (body),
    SPATIAL KEY sp_author_place (place),
    KEY ix_author_seen (seen) {ignored},
    CONSTRAINT fk_author_team FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE SET NULL,
    CONSTRAINT ck_author_name CHECK (char_length(name) > 2 AND name <> 'x''y')
) ENGINE=InnoDB COMMENT='who writes' ROW_FORMAT=DYNAMIC;
CREATE TABLE sale (id INT, day DATE) PARTITION BY RANGE (year(day))
    (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE);
CREATE VIEW adults AS SELECT id, name FROM author WHERE score > 17;
CREATE TRIGGER tr_author BEFORE INSERT ON author FOR EACH ROW SET new.score = 2;
CREATE TRIGGER tr_author_late BEFORE INSERT ON author FOR EACH ROW SET new.born = '2000-01-01';
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2;
CREATE PROCEDURE clear(IN x INT) COMMENT 'clears' DELETE FROM sale WHERE id = x;
CREATE EVENT ev_clear ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO DELETE FROM sale
"""
SCRIPT = f"""{_SCRIPT.format(ignored="IGNORED").rstrip()};
CREATE TABLE price (amount INT) WITH SYSTEM VERSIONING;
CREATE SEQUENCE numbers START WITH 5
"""
"""For MariaDB: statements, with a semicolon at the end of a line between them."""
MYSQL_SCRIPT = f"""{_SCRIPT.format(ignored="INVISIBLE").rstrip()};
CREATE TABLE book (
    id INT PRIMARY KEY AUTO_INCREMENT,
    title VARCHAR(60) NOT NULL,
    tags SET('a','b') COLLATE utf8mb4_bin,
    flag TINYINT(1) NOT NULL DEFAULT 1,
    filled INT ZEROFILL,
    uid BINARY(16) DEFAULT (uuid_to_bin(uuid())),
    data JSON DEFAULT (JSON_OBJECT('a', 1)),
    spot POINT NOT NULL SRID 4326,
    upper_title VARCHAR(60) GENERATED ALWAYS AS (upper(title)) STORED NOT NULL,
    SPATIAL KEY sp_book_spot (spot),
    FULLTEXT KEY ft_book_title (title) WITH PARSER ngram,
    KEY ix_book_lower ((lower(title)), flag, (filled + 1) DESC),
    KEY ix_book_tags ((CAST(data->'$.tags' AS CHAR(20) ARRAY))),
    CONSTRAINT ck_book_title CHECK (title > 'it''s') NOT ENFORCED
);
CREATE TABLE stock (id INT, day DATE) PARTITION BY RANGE (year(day)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
    (PARTITION p0 VALUES LESS THAN (2000) COMMENT 'old', PARTITION p1 VALUES LESS THAN MAXVALUE);
CREATE TABLE listed (id INT) PARTITION BY LIST COLUMNS (id) (PARTITION a VALUES IN (1,2), PARTITION b VALUES IN (3));
CREATE TABLE keyed (id INT PRIMARY KEY, n INT) PARTITION BY KEY () PARTITIONS 3
"""
"""The same for MySQL."""


class MysqlLab:
    """An empty database, and a connection to it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.reader = reader_for(connection.dialect.name)
        self.is_mariadb: bool = connection.dialect.is_mariadb  # type: ignore[attr-defined]
        self.script = SCRIPT if self.is_mariadb else MYSQL_SCRIPT

    def run(self, script: str) -> None:
        """Run statements."""
        for statement in script.split(";\n"):
            if statement.strip():
                self.connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        self.connection.commit()

    def schema(self) -> Schema:
        """Read the schema by a reader that remembers nothing."""
        return reader_for(self.connection.dialect.name).read(self.connection)

    def operations(self) -> Operations:
        """Make Alembic's `op`."""
        return Operations(MigrationContext.configure(self.connection))


@contextmanager
def opened(server: Server, driver: str = "pymysql") -> Iterator[MysqlLab]:
    """Make a database and connect to it."""
    database = server.create("schema")
    engine = sa.create_engine(sa.make_url(database.url).set(drivername=f"mysql+{driver}"), poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            yield MysqlLab(connection)
    finally:
        server.drop(database)


def told(before: Schema, after: Schema, *, verdict: Verdict = Verdict.DIFFERENT) -> list[str]:
    """Tell the differences of one verdict in words."""
    found = compare_schemas(before, after)
    return [each.words("after the downgrade") for each in found if each.verdict is verdict]
