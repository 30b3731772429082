"""Each single change to an SQLite schema is seen, and told in these words and no others."""

from __future__ import annotations

import pytest

from .sqlite_lab import schema_after, told

SCRIPT = """
CREATE TABLE team (id INTEGER PRIMARY KEY AUTOINCREMENT, city TEXT, UNIQUE (city));
CREATE TABLE author (
    id INTEGER NOT NULL,
    name VARCHAR(60) DEFAULT 'nobody' NOT NULL,
    email TEXT COLLATE NOCASE,
    born DATE,
    age INTEGER GENERATED ALWAYS AS (2026 - born) VIRTUAL,
    team_id INTEGER,
    CONSTRAINT pk_author PRIMARY KEY (id),
    CONSTRAINT ck_author_name CHECK (length(name) > 2),
    CHECK (born > 1800),
    CONSTRAINT uq_author_email UNIQUE (email, born),
    CONSTRAINT fk_author_team FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_author_name ON author (lower(name), born DESC);
CREATE UNIQUE INDEX ix_author_born ON author (born, name COLLATE NOCASE) WHERE born > 1900;
CREATE TABLE tag (code TEXT PRIMARY KEY, label ANY) STRICT, WITHOUT ROWID;
CREATE VIEW adults AS SELECT id, name FROM author WHERE age > 17;
CREATE TRIGGER tr_author AFTER INSERT ON author WHEN new.born IS NULL BEGIN DELETE FROM tag; END;
CREATE VIRTUAL TABLE words USING fts5(body, tokenize = 'porter');
"""

CHANGES = {
    "table missing": (
        "CREATE TABLE tag (code TEXT PRIMARY KEY, label ANY) STRICT, WITHOUT ROWID;",
        "",
        ["table tag: missing after the downgrade"],
    ),
    "table left": ("CREATE VIEW", "CREATE TABLE x (y); CREATE VIEW", ["table x: still there after the downgrade"]),
    "column missing": (", label ANY", "", ["column tag.label: missing after the downgrade"]),
    "column left": (", label ANY", ", label ANY, x INT", ["column tag.x: still there after the downgrade"]),
    "column renamed": (
        "label ANY",
        "title ANY",
        ["column tag.label: named title after the downgrade"],
    ),
    "type": ("VARCHAR(60)", "VARCHAR(100)", ["column author.name: type VARCHAR(60) before, VARCHAR(100) after"]),
    "type gone": ("city TEXT", "city", ["column team.city: type TEXT before, no type after"]),
    "nullability": (
        "born DATE",
        "born DATE NOT NULL",
        ["column author.born: nullable before, NOT NULL after"],
    ),
    "not-null conflict": (
        "'nobody' NOT NULL",
        "'nobody' NOT NULL ON CONFLICT REPLACE",
        ["column author.name: no on conflict before, on conflict REPLACE after"],
    ),
    "default": ("'nobody'", "'Nobody'", ["column author.name: default 'nobody' before, 'Nobody' after"]),
    "default gone": (
        "DEFAULT 'nobody' ",
        "",
        ["column author.name: default 'nobody' before, no default after"],
    ),
    "default expression": (
        "'nobody'",
        "(lower('Nobody'))",
        ["column author.name: default 'nobody' before, lower('Nobody') after"],
    ),
    "collation": (
        "email TEXT COLLATE NOCASE",
        "email TEXT",
        ["column author.email: collation NOCASE before, no collation after"],
    ),
    "generated expression": (
        "2026 - born",
        "2027 - born",
        ["column author.age: generated expression (2026 - born) VIRTUAL before, (2027 - born) VIRTUAL after"],
    ),
    "generated storage": (
        "VIRTUAL,",
        "STORED,",
        ["column author.age: generated expression (2026 - born) VIRTUAL before, (2026 - born) STORED after"],
    ),
    "autoincrement": (
        " AUTOINCREMENT",
        "",
        ["primary key (id) on team: (id) AUTOINCREMENT before, (id) after"],
    ),
    "rowid alias": (
        "id INTEGER NOT NULL",
        "id INT NOT NULL",
        ["primary key pk_author on author: storage rowid before, no storage after"],
    ),
    "primary key's name": (
        "CONSTRAINT pk_author PRIMARY",
        "PRIMARY",
        ["primary key pk_author on author: named (id) after the downgrade"],
    ),
    "primary key's columns": (
        "pk_author PRIMARY KEY (id)",
        "pk_author PRIMARY KEY (id, born)",
        [
            "primary key pk_author on author: (id) before, (id, born) after",
            "primary key pk_author on author: storage rowid before, no storage after",
        ],
    ),
    "check": (
        "length(name) > 2",
        "length(name) > 3",
        ["check constraint ck_author_name on author: (length(name) > 2) before, (length(name) > 3) after"],
    ),
    "check's name": (
        "CONSTRAINT ck_author_name CHECK",
        "CHECK",
        ["check constraint ck_author_name on author: named (length(name) > 2) after the downgrade"],
    ),
    "unnamed check missing": (
        "CHECK (born > 1800),",
        "",
        ["check constraint (born > 1800) on author: missing after the downgrade"],
    ),
    "unique constraint's columns": (
        "UNIQUE (email, born)",
        "UNIQUE (born, email)",
        ["unique constraint uq_author_email on author: (email, born) before, (born, email) after"],
    ),
    "unique constraint's conflict": (
        "UNIQUE (email, born)",
        "UNIQUE (email, born) ON CONFLICT IGNORE",
        ["unique constraint uq_author_email on author: (email, born) before, (email, born) ON CONFLICT IGNORE after"],
    ),
    "unnamed unique constraint missing": (
        ", UNIQUE (city)",
        "",
        ["unique constraint (city) on team: missing after the downgrade"],
    ),
    "foreign key's action": (
        " ON DELETE CASCADE",
        "",
        [
            (
                "foreign key fk_author_team on author: "
                "(team_id) REFERENCES team (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED before, "
                "(team_id) REFERENCES team (id) DEFERRABLE INITIALLY DEFERRED after"
            )
        ],
    ),
    "foreign key deferred": (
        "DEFERRABLE INITIALLY DEFERRED",
        "",
        [
            (
                "foreign key fk_author_team on author: "
                "(team_id) REFERENCES team (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED before, "
                "(team_id) REFERENCES team (id) ON DELETE CASCADE after"
            )
        ],
    ),
    "foreign key missing": (
        ",\n    CONSTRAINT fk_author_team FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",
        "",
        ["foreign key fk_author_team on author: missing after the downgrade"],
    ),
    "index missing": (
        "CREATE INDEX ix_author_name ON author (lower(name), born DESC);",
        "",
        ["index ix_author_name on author: missing after the downgrade"],
    ),
    "index renamed": (
        "INDEX ix_author_name",
        "INDEX ix_author_names",
        ["index ix_author_name on author: named ix_author_names after the downgrade"],
    ),
    "index expression": (
        "(lower(name), born DESC)",
        "(name, born DESC)",
        ["index ix_author_name on author: (lower(name), born DESC) before, (name, born DESC) after"],
    ),
    "index direction": (
        "born DESC",
        "born",
        ["index ix_author_name on author: (lower(name), born DESC) before, (lower(name), born) after"],
    ),
    "index collation": (
        "name COLLATE NOCASE)",
        "name)",
        [
            (
                "index ix_author_born on author: UNIQUE (born, name COLLATE NOCASE) WHERE born > 1900 before, "
                "UNIQUE (born, name) WHERE born > 1900 after"
            )
        ],
    ),
    "index where": (
        " WHERE born > 1900",
        "",
        [
            (
                "index ix_author_born on author: UNIQUE (born, name COLLATE NOCASE) WHERE born > 1900 before, "
                "UNIQUE (born, name COLLATE NOCASE) after"
            )
        ],
    ),
    "index unique": (
        "CREATE UNIQUE INDEX",
        "CREATE INDEX",
        [
            (
                "index ix_author_born on author: UNIQUE (born, name COLLATE NOCASE) WHERE born > 1900 before, "
                "(born, name COLLATE NOCASE) WHERE born > 1900 after"
            )
        ],
    ),
    "strict": ("STRICT, ", "", ["table tag: options STRICT, WITHOUT ROWID before, WITHOUT ROWID after"]),
    "without rowid": (", WITHOUT ROWID", "", ["table tag: options STRICT, WITHOUT ROWID before, STRICT after"]),
    "view": (
        "age > 17",
        "age > 20",
        [
            "view adults: AS SELECT id, name FROM author WHERE age > 17 before, AS SELECT id, name FROM author WHERE age > 20 after"
        ],
    ),
    "trigger": (
        "new.born IS NULL",
        "new.born IS NOT NULL",
        [
            (
                "trigger tr_author on author: "
                "AFTER INSERT ON author WHEN new.born IS NULL BEGIN DELETE FROM tag; END before, "
                "AFTER INSERT ON author WHEN new.born IS NOT NULL BEGIN DELETE FROM tag; END after"
            )
        ],
    ),
    "trigger on a view left": (
        "CREATE VIRTUAL",
        "CREATE TRIGGER tr INSTEAD OF DELETE ON adults BEGIN SELECT 1; END; CREATE VIRTUAL",
        ["trigger tr on adults: still there after the downgrade"],
    ),
    "trigger missing": (
        "CREATE TRIGGER tr_author AFTER INSERT ON author WHEN new.born IS NULL BEGIN DELETE FROM tag; END;",
        "",
        ["trigger tr_author on author: missing after the downgrade"],
    ),
    "virtual table": (
        "tokenize = 'porter'",
        "tokenize = 'ascii'",
        ["virtual table words: fts5(body, tokenize = 'porter') before, fts5(body, tokenize = 'ascii') after"],
    ),
}


@pytest.mark.parametrize(("old", "new", "words"), CHANGES.values(), ids=CHANGES)
def test_a_single_change_is_told(old: str, new: str, words: list[str]) -> None:
    assert SCRIPT.count(old) == 1
    found = told(schema_after(SCRIPT), schema_after(SCRIPT.replace(old, new)))
    assert found == words
