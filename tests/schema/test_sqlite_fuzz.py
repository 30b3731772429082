"""Random DDL: what is remembered is never stale, and no way of writing the same is told as a difference."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import TYPE_CHECKING

import pytest

from pytest_stairway.schema import compare_schemas, reader_for

from .sqlite_lab import connected, schema_after, schema_of, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

TABLES = ("a", "b", "c d", "E")
COLUMNS = ("id", "x", "y z", "W")
STATEMENTS = 300


def quoted(name: str) -> str:
    return f'"{name}"'


class Ddl:
    """Makes up statements; some of them SQLite refuses, which is as good as any."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.kinds: tuple[Callable[[], str], ...] = (
            self.create_table,
            self.create_table,
            self.create_index,
            self.create_index,
            self.create_view,
            self.create_trigger,
            self.alter,
            self.alter,
            self.alter,
            self.drop,
            self.other,
        )

    def statement(self) -> str:
        return self.random.choice(self.kinds)()

    def one_of(self, *options: str) -> str:
        return self.random.choice(options)

    def table(self) -> str:
        return quoted(self.random.choice(TABLES))

    def column(self) -> str:
        return quoted(self.random.choice(COLUMNS))

    def create_table(self) -> str:
        definitions = [self.definition(column) for column in COLUMNS if self.random.random() < 0.8]
        constraints = [self.constraint() for _ in range(self.random.randrange(3))]
        options = self.one_of("", "", "", "STRICT", "WITHOUT ROWID")
        return f"CREATE TABLE {self.table()} ({', '.join(definitions + constraints)}) {options}"

    def definition(self, column: str) -> str:
        clauses = {
            "NOT NULL": 0.2,
            f"DEFAULT {self.one_of('1', 'NULL', '(1 + 1)')}": 0.3,
            "COLLATE NOCASE": 0.2,
            "UNIQUE": 0.1,
            f"REFERENCES {self.table()} {self.one_of('', '(x)')}": 0.3,
            f"CHECK ({quoted(column)} > {self.random.randrange(3)})": 0.2,
        }
        chosen = [clause for clause, chance in clauses.items() if self.random.random() < chance]
        type_ = "INTEGER PRIMARY KEY" if column == "id" else self.one_of("INTEGER", "TEXT", "ANY", "")
        return " ".join([quoted(column), type_, *chosen])

    def constraint(self) -> str:
        name = self.one_of("", f"CONSTRAINT k{self.random.randrange(3)}")
        return f"{name} " + self.one_of(
            f"UNIQUE ({self.column()})",
            f"UNIQUE ({self.column()}, {self.column()} COLLATE NOCASE DESC)",
            f"CHECK ({self.column()} <> {self.column()})",
            f"FOREIGN KEY ({self.column()}) REFERENCES {self.table()} {self.one_of('', 'ON DELETE CASCADE')}",
        )

    def create_index(self) -> str:
        item = self.one_of(f"{self.column()} DESC", f"lower({self.column()})", f"{self.column()} COLLATE NOCASE")
        where = self.one_of("", f"WHERE {self.column()} > 1")
        return (
            f"CREATE {self.one_of('', 'UNIQUE')} INDEX i{self.random.randrange(9)} ON {self.table()} ({item}) {where}"
        )

    def create_view(self) -> str:
        return (
            f"CREATE VIEW v{self.random.randrange(3)} AS SELECT {self.one_of('*', self.column())} FROM {self.table()}"
        )

    def create_trigger(self) -> str:
        return (
            f"CREATE TRIGGER g{self.random.randrange(3)} AFTER INSERT ON {self.table()} "
            f"BEGIN DELETE FROM {self.table()} WHERE {self.column()} = 1; END"
        )

    def alter(self) -> str:
        return f"ALTER TABLE {self.table()} " + self.one_of(
            f"RENAME TO {self.table()}",
            f"RENAME COLUMN {self.column()} TO {self.column()}",
            f"ADD COLUMN {self.definition(self.random.choice(COLUMNS))}",
            f"DROP COLUMN {self.column()}",
        )

    def drop(self) -> str:
        number = self.random.randrange(3)
        return self.one_of(
            f"DROP TABLE {self.table()}", f"DROP INDEX i{number}", f"DROP VIEW v{number}", f"DROP TRIGGER g{number}"
        )

    def other(self) -> str:
        return self.one_of(
            "BEGIN",
            "ROLLBACK",
            "COMMIT",
            "VACUUM",
            "PRAGMA legacy_alter_table = 1",
            "PRAGMA legacy_alter_table = 0",
            "CREATE VIRTUAL TABLE words USING fts5(body)",
            "DROP TABLE words",
        )


def attempt(connection: Connection, statement: str) -> bool:
    try:
        connection.connection.driver_connection.execute(statement)
    except sqlite3.Error:
        return False
    return True


@pytest.mark.parametrize("seed", range(8))
def test_what_is_remembered_is_what_a_thorough_reading_finds(seed: int) -> None:
    ddl = Ddl(Random(seed))
    reader = reader_for("sqlite")
    done = []
    with connected() as connection:
        connection.connection.driver_connection.isolation_level = None
        for _ in range(STATEMENTS):
            statement = ddl.statement()
            if attempt(connection, statement):
                done.append(statement)
                remembered = reader.read(connection)
                assert compare_schemas(remembered, schema_of(connection)) == (), done
                assert remembered == schema_of(connection), done
    assert len(done) > STATEMENTS / 10


class Style:
    """Writes the same table in random quotes, cases, spaces and order."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def name(self, name: str) -> str:
        quotes = ['"{}"', "[{}]", "`{}`"] + ["{}"] * (" " not in name)
        return self.random.choice(quotes).format(name)

    def words(self, words: str) -> str:
        return self.space().join(self.random.choice([word.upper(), word.lower()]) for word in words.split(" "))

    def space(self) -> str:
        return self.random.choice([" ", "  ", "\n\t", " /* a, b) */ ", " -- ' it\n"])

    def expression(self, text: str) -> str:
        written = "".join(
            self.name(part) if part in COLUMNS else part for part in text.replace("<>", self.sign()).split("|")
        )
        return self.random.choice(["({})", "(({}))", "( {}\n)"]).format(written)

    def sign(self) -> str:
        return self.random.choice(["<>", "!="])

    def shuffled(self, items: list[str]) -> list[str]:
        return self.random.sample(items, len(items))

    def table(self) -> str:
        columns = [
            f"{self.name('id')} {self.words('integer not null')}",
            f"{self.name('x')} {self.words('varchar(20) collate nocase')}{self.space()}{self.words('default')} ('It''s')",
            f"{self.name('y z')} {self.words('numeric(10,2) not null')}",
            f"{self.name('W')} {self.words('int generated always as')} {self.expression('|id| + 1')} {self.words('stored')}",
        ]
        constraints = [
            f"{self.words('constraint')} {self.name('pk')} {self.words('primary key')} ({self.name('id')})",
            f"{self.words('check')} {self.expression('|x| <> |y z| AND length(|x|) > 2')}",
            f"{self.words('constraint')} {self.name('ck t')} {self.words('check')}{self.expression('|id| > 0')}",
            f"{self.words('unique')} ({self.name('x')}, {self.name('y z')} {self.words('desc')})",
            (
                f"{self.words('foreign key')}({self.name('x')}) {self.words('references')} {self.name('p')}({self.name('q')}) "
                f"{self.words('on delete set null')} {self.words('deferrable initially deferred')}"
            ),
        ]
        definitions = f",{self.space()}".join(columns + self.shuffled(constraints))
        index = (
            f"{self.words('create unique index')} {self.name('ix')} {self.words('on')} {self.name('t')} "
            f"(lower({self.name('x')}) {self.words('desc')}, {self.name('y z')}) "
            f"{self.words('where')} {self.expression('|id| <> 7')}"
        )
        return f"{self.words('create table')} {self.name('t')} ({definitions});{index};"


def test_no_way_of_writing_the_same_is_a_difference() -> None:
    plain = schema_after(Style(Random(0)).table())
    for seed in range(1, 300):
        script = Style(Random(seed)).table()
        assert told(plain, schema_after(script)) == [], script
