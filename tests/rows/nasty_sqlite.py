"""A SQLite schema that makes it hard to insert a row."""

from __future__ import annotations

TABLES: dict[str, str] = {
    "types": """CREATE TABLE types (id INTEGER PRIMARY KEY, a BOOLEAN NOT NULL, b VARCHAR(3) NOT NULL, c NUMERIC(10, 2) NOT NULL, d DATETIME NOT NULL,
        e DATE NOT NULL, f TIME NOT NULL, g JSON NOT NULL, h BLOB NOT NULL, i REAL NOT NULL, j CHAR(32) NOT NULL, k UUID NOT NULL, l BIGINT NOT NULL,
        m SMALLINT, n CLOB NOT NULL, o NOT NULL, p DECIMAL, q DOUBLE PRECISION)""",
    "strict_types": "CREATE TABLE strict_types (id INTEGER PRIMARY KEY, a INT NOT NULL, b REAL NOT NULL, c TEXT NOT NULL, d BLOB NOT NULL, e ANY) STRICT",
    "autoincremented": "CREATE TABLE autoincremented (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT)",
    "without_rowid": "CREATE TABLE without_rowid (code VARCHAR(4), n INTEGER, note TEXT, PRIMARY KEY (code, n)) WITHOUT ROWID",
    "no_key": "CREATE TABLE no_key (a INTEGER, b TEXT)",
    "unique_pair": "CREATE TABLE unique_pair (a BOOLEAN NOT NULL, b BOOLEAN NOT NULL, UNIQUE (a, b))",
    "unique_partial": """CREATE TABLE unique_partial (id INTEGER PRIMARY KEY, kind VARCHAR(5) NOT NULL CHECK (kind IN ('a', 'b')), deleted_at DATETIME);
        CREATE UNIQUE INDEX one_live ON unique_partial (kind) WHERE deleted_at IS NULL""",
    "unique_expression": "CREATE TABLE unique_expression (id INTEGER PRIMARY KEY, email TEXT NOT NULL); CREATE UNIQUE INDEX e ON unique_expression (lower(email))",
    "unique_nocase": "CREATE TABLE unique_nocase (name TEXT NOT NULL UNIQUE COLLATE NOCASE)",
    "author": "CREATE TABLE author (id INTEGER PRIMARY KEY, name VARCHAR(60) NOT NULL, ref_code VARCHAR UNIQUE)",
    "tree": "CREATE TABLE tree (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES tree (id))",
    "loop": "CREATE TABLE loop (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES loop)",
    "hen": "CREATE TABLE hen (id INTEGER PRIMARY KEY, egg_id INTEGER NOT NULL REFERENCES egg (id))",
    "egg": "CREATE TABLE egg (id INTEGER PRIMARY KEY, hen_id INTEGER NOT NULL REFERENCES hen (id))",
    "project": "CREATE TABLE project (tenant INTEGER, id INTEGER, PRIMARY KEY (tenant, id))",
    "task": "CREATE TABLE task (id INTEGER PRIMARY KEY, tenant INTEGER, project INTEGER, FOREIGN KEY (tenant, project) REFERENCES project)",
    "one_to_one": "CREATE TABLE one_to_one (author_id INTEGER NOT NULL PRIMARY KEY REFERENCES author (id), bio TEXT NOT NULL)",
    "many_to_many": "CREATE TABLE many_to_many (author_id INTEGER NOT NULL REFERENCES author, tree_id INTEGER NOT NULL REFERENCES tree, PRIMARY KEY (author_id, tree_id))",
    "generated": """CREATE TABLE generated (id INTEGER PRIMARY KEY, price INTEGER NOT NULL, quantity INTEGER NOT NULL,
        total INTEGER GENERATED ALWAYS AS (price * quantity) STORED, twice INTEGER AS (price * 2) VIRTUAL, CHECK (total < 1000))""",
    "checks": """CREATE TABLE checks (id INTEGER PRIMARY KEY, age INTEGER CHECK (age BETWEEN 18 AND 21), -- a CHECK (in a comment)
        status VARCHAR(20) NOT NULL CONSTRAINT st CHECK (status IN ('draft', 'it''s, (odd)')), code TEXT NOT NULL CHECK (length(code) = 12),
        ref CHAR(6) NOT NULL CHECK (ref GLOB '[0-9a-f][0-9a-f]*'), email TEXT NOT NULL CHECK (email LIKE '%_@_%.__%'),
        "low value" INTEGER NOT NULL, [high] INTEGER NOT NULL, data JSON NOT NULL CHECK (json_valid(data)), CHECK ("low value" < high))""",
    "checks_exclusive": """CREATE TABLE checks_exclusive (id INTEGER PRIMARY KEY, a INTEGER REFERENCES author, b TEXT,
        CHECK ((a IS NULL) <> (b IS NULL)))""",
    "trigger_rejects": """CREATE TABLE trigger_rejects (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
        CREATE TRIGGER reject BEFORE INSERT ON trigger_rejects WHEN NEW.amount < 500 BEGIN SELECT RAISE(ABORT, 'amount too small'); END""",
    "only_id": "CREATE TABLE only_id (id INTEGER PRIMARY KEY)",
    'We"ird na%me': """CREATE TABLE "We""ird na%me" ("select" INTEGER NOT NULL CHECK ("select" > 10), "a:b" TEXT NOT NULL, `tick` TEXT)""",
}
"""By the table's name."""

IMPOSSIBLE: dict[str, tuple[str, str]] = {
    "never": (
        "CREATE TABLE never (id INTEGER PRIMARY KEY, a INTEGER NOT NULL CHECK (a < 0 AND a > 0))",
        "CHECK constraint failed",
    ),
    "closed": (
        "CREATE TABLE closed (id INTEGER PRIMARY KEY); CREATE TRIGGER c BEFORE INSERT ON closed BEGIN SELECT RAISE(ABORT, 'this table is closed'); END",
        "this table is closed",
    ),
    "child_of_never": (
        "CREATE TABLE child_of_never (id INTEGER PRIMARY KEY, never_id INTEGER NOT NULL REFERENCES never)",
        "FOREIGN KEY constraint failed",
    ),
}
"""Tables that truly cannot have a row, and what the database says about it."""
