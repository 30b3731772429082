"""Round trips that are right: nothing may be told as different, whatever the server makes of them meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stairway.schema import Verdict

from .postgresql_lab import told

if TYPE_CHECKING:
    from .postgresql_lab import Lab

ROUND_TRIPS = {
    "a column comes back last": (
        "CREATE TABLE t (a integer, b integer, c integer)",
        "ALTER TABLE t DROP COLUMN b",
        "ALTER TABLE t ADD COLUMN b integer",
        ["table t: column order a, b, c before, a, c, b after"],
    ),
    "a check of whole numbers that were numeric": (
        "CREATE TABLE t (a integer CHECK (a > 5 AND a < 100))",
        "ALTER TABLE t ALTER a TYPE numeric",
        "ALTER TABLE t ALTER a TYPE integer",
        [
            "check constraint t_a_check on t: CHECK (((a > 5) AND (a < 100))) before, CHECK ((((a)::numeric > (5)::numeric) AND ((a)::numeric < (100)::numeric))) after"
        ],
    ),
    "a check that reckons": (
        "CREATE TABLE t (a integer CHECK (a * 2 + 1 > 5), d integer CHECK (abs(d) BETWEEN 1 AND 7))",
        "ALTER TABLE t ALTER a TYPE numeric, ALTER d TYPE numeric",
        "ALTER TABLE t ALTER a TYPE integer, ALTER d TYPE integer",
        None,
    ),
    "a check of bigger whole numbers": (
        "CREATE TABLE t (a integer CHECK (a > 5 AND a IN (6, 7, 8)))",
        "ALTER TABLE t ALTER a TYPE bigint",
        "ALTER TABLE t ALTER a TYPE integer",
        None,
    ),
    "a check of varchar that was text": (
        "CREATE TABLE t (a varchar(10) CHECK (a <> 'q' AND lower(a) LIKE 'x'), c varchar(10) CHECK (c IN ('a', 'b/c')))",
        "ALTER TABLE t ALTER a TYPE text, ALTER c TYPE text",
        "ALTER TABLE t ALTER a TYPE varchar(10), ALTER c TYPE varchar(10)",
        None,
    ),
    "a check of text that was varchar": (
        "CREATE TABLE t (a text CHECK (a <> 'q'), c text CHECK (c IN ('a', 'b')))",
        "ALTER TABLE t ALTER a TYPE varchar(20), ALTER c TYPE varchar(10)",
        "ALTER TABLE t ALTER a TYPE text, ALTER c TYPE text",
        None,
    ),
    "a check of char that was text": (
        "CREATE TABLE t (a char(10) DEFAULT 'x' CHECK (a <> 'q'))",
        "ALTER TABLE t ALTER a TYPE text",
        "ALTER TABLE t ALTER a TYPE char(10)",
        None,
    ),
    "defaults of numbers": (
        "CREATE TABLE t (a integer DEFAULT 0, b numeric(8,2) DEFAULT 1.5, c smallint DEFAULT -7, d integer DEFAULT 2 + 3)",
        "ALTER TABLE t ALTER a TYPE numeric, ALTER b TYPE real, ALTER c TYPE bigint, ALTER d TYPE bigint",
        "ALTER TABLE t ALTER a TYPE integer, ALTER b TYPE numeric(8,2), ALTER c TYPE smallint, ALTER d TYPE integer",
        None,
    ),
    "defaults of texts": (
        "CREATE TABLE t (a varchar(10) DEFAULT 'x', b text DEFAULT 'y', c json DEFAULT '{}')",
        "ALTER TABLE t ALTER a TYPE text, ALTER b TYPE varchar(5), ALTER c TYPE jsonb",
        "ALTER TABLE t ALTER a TYPE varchar(10), ALTER b TYPE text, ALTER c TYPE json",
        None,
    ),
    "a default written with a cast": (
        "CREATE TABLE t (a varchar(10) DEFAULT 'x', b integer DEFAULT 0)",
        "ALTER TABLE t ALTER a DROP DEFAULT, ALTER b DROP DEFAULT",
        "ALTER TABLE t ALTER a SET DEFAULT 'x'::text, ALTER b SET DEFAULT 0::numeric",
        None,
    ),
    "defaults of dates": (
        "CREATE TABLE t (a date DEFAULT CURRENT_DATE CHECK (a > '2020-01-01'), b timestamp DEFAULT now(), c timestamptz DEFAULT now())",
        "ALTER TABLE t ALTER a TYPE timestamp, ALTER b TYPE timestamptz, ALTER c TYPE timestamp",
        "ALTER TABLE t ALTER a TYPE date, ALTER b TYPE timestamp, ALTER c TYPE timestamptz",
        None,
    ),
    "now in other words": (
        "CREATE TABLE t (a timestamptz DEFAULT now())",
        "ALTER TABLE t ALTER a DROP DEFAULT",
        "ALTER TABLE t ALTER a SET DEFAULT CURRENT_TIMESTAMP",
        ["column t.a: default now() before, CURRENT_TIMESTAMP after"],
    ),
    "arrays": (
        "CREATE TABLE t (a varchar(5)[] DEFAULT '{}', b integer[] DEFAULT '{1}')",
        "ALTER TABLE t ALTER a TYPE text[], ALTER b TYPE bigint[]",
        "ALTER TABLE t ALTER a TYPE varchar(5)[], ALTER b TYPE integer[]",
        None,
    ),
    "indexes of expressions": (
        "CREATE TABLE t (a varchar(10), b integer); CREATE INDEX i ON t (lower(a)); CREATE INDEX j ON t ((b + 1)) WHERE b > 5; CREATE INDEX k ON t (a) WHERE a = 'x'",
        "ALTER TABLE t ALTER a TYPE text, ALTER b TYPE numeric",
        "ALTER TABLE t ALTER a TYPE varchar(10), ALTER b TYPE integer",
        [
            "index j on t: btree (((b + 1))) WHERE (b > 5) before, btree ((((b)::numeric + (1)::numeric))) WHERE ((b)::numeric > (5)::numeric) after"
        ],
    ),
    "a table renamed": (
        "CREATE TABLE t (id serial PRIMARY KEY, a integer UNIQUE NOT NULL REFERENCES t (id), CHECK (a > 0)); CREATE INDEX ON t (a)",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE u RENAME TO t",
        [],
    ),
    "a table that was renamed once, made anew": (
        "CREATE TABLE u (id serial PRIMARY KEY, a integer UNIQUE NOT NULL REFERENCES u (id), CHECK (a > 0)); CREATE INDEX ON u (a); ALTER TABLE u RENAME TO t",
        "DROP TABLE t",
        "CREATE TABLE t (id serial PRIMARY KEY, a integer UNIQUE NOT NULL REFERENCES t (id), CHECK (a > 0)); CREATE INDEX ON t (a)",
        None,
    ),
    "a column that was renamed once, made anew": (
        "CREATE TABLE t (old integer NOT NULL UNIQUE CHECK (old > 0)); ALTER TABLE t RENAME old TO a",
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE t ADD COLUMN a integer NOT NULL UNIQUE CHECK (a > 0)",
        None,
    ),
    "nullability": (
        "CREATE TABLE t (a integer NOT NULL)",
        "ALTER TABLE t ALTER a DROP NOT NULL",
        "ALTER TABLE t ALTER a SET NOT NULL",
        [],
    ),
    "a constraint without a name": (
        "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE t (a integer REFERENCES a ON DELETE CASCADE, b text CHECK (b = ANY (ARRAY['x', 'y'])))",
        "ALTER TABLE t DROP CONSTRAINT t_a_fkey, DROP CONSTRAINT t_b_check",
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES a ON DELETE CASCADE, ADD CHECK (b IN ('x', 'y'))",
        [],
    ),
    "grants": (
        "CREATE TABLE t (a integer); CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA app; CREATE TYPE m AS ENUM ('a')",
        "GRANT SELECT, UPDATE (a) ON t TO keeper; GRANT USAGE ON s TO keeper; GRANT EXECUTE ON FUNCTION f() TO keeper; GRANT USAGE ON SCHEMA app TO keeper; GRANT USAGE ON TYPE m TO keeper",
        "REVOKE ALL ON t FROM keeper; REVOKE ALL ON s FROM keeper; REVOKE ALL ON FUNCTION f() FROM keeper; REVOKE ALL ON SCHEMA app FROM keeper; REVOKE ALL ON TYPE m FROM keeper",
        [],
    ),
    "default privileges": (
        "SELECT 1",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO keeper",
        "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM keeper",
        [],
    ),
    "an enum that grew and shrank": (
        "CREATE TYPE m AS ENUM ('a', 'b'); CREATE TABLE t (a m DEFAULT 'a')",
        "ALTER TYPE m RENAME TO m_old; CREATE TYPE m AS ENUM ('a', 'b', 'c'); ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE m USING a::text::m, ALTER a SET DEFAULT 'a'; DROP TYPE m_old",
        "ALTER TYPE m RENAME TO m_old; CREATE TYPE m AS ENUM ('a', 'b'); ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE m USING a::text::m, ALTER a SET DEFAULT 'a'; DROP TYPE m_old",
        [],
    ),
    "a view in the way of a type": (
        "CREATE TABLE t (a varchar(10), b integer); CREATE VIEW v AS SELECT a, b FROM t WHERE a = 'x'",
        "DROP VIEW v; ALTER TABLE t ALTER a TYPE text; CREATE VIEW v AS SELECT a, b FROM t WHERE a = 'x'",
        "DROP VIEW v; ALTER TABLE t ALTER a TYPE varchar(10); CREATE VIEW v AS SELECT a, b FROM t WHERE a = 'x'",
        [],
    ),
    "a partition detached": (
        "CREATE TABLE p (a integer) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10)",
        "ALTER TABLE p DETACH PARTITION p1",
        "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (1) TO (10)",
        [],
    ),
    "another schema": (
        "CREATE SCHEMA app; CREATE TABLE t (id serial PRIMARY KEY, b integer REFERENCES t (id))",
        "ALTER TABLE t SET SCHEMA app",
        "ALTER TABLE app.t SET SCHEMA public",
        [],
    ),
    "a sequence of its own": (
        "CREATE TABLE t (id serial)",
        "ALTER SEQUENCE t_id_seq OWNED BY NONE",
        "ALTER SEQUENCE t_id_seq OWNED BY t.id",
        [],
    ),
    "identity": (
        "CREATE TABLE t (id integer NOT NULL)",
        "ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE t ALTER id DROP IDENTITY",
        [],
    ),
    "serial, then identity": (
        "CREATE TABLE t (id serial)",
        "ALTER TABLE t ALTER id DROP DEFAULT; DROP SEQUENCE t_id_seq; ALTER TABLE t ALTER id ADD GENERATED BY DEFAULT AS IDENTITY",
        "ALTER TABLE t ALTER id DROP IDENTITY; CREATE SEQUENCE t_id_seq AS integer OWNED BY t.id; ALTER TABLE t ALTER id SET DEFAULT nextval('t_id_seq')",
        [],
    ),
    "bigger keys": (
        "CREATE TABLE t (id serial PRIMARY KEY)",
        "ALTER TABLE t ALTER id TYPE bigint; ALTER SEQUENCE t_id_seq AS bigint",
        "ALTER TABLE t ALTER id TYPE integer; ALTER SEQUENCE t_id_seq AS integer",
        [],
    ),
    "an owner": (
        "CREATE TABLE t (a integer)",
        "ALTER TABLE t OWNER TO keeper",
        "ALTER TABLE t OWNER TO CURRENT_USER",
        [],
    ),
    "settings of a table": (
        "CREATE TABLE t (a text)",
        "ALTER TABLE t SET (fillfactor = 50), ALTER a SET STORAGE EXTERNAL, ALTER a SET STATISTICS 10, REPLICA IDENTITY FULL, ENABLE ROW LEVEL SECURITY; COMMENT ON TABLE t IS 'x'",
        "ALTER TABLE t RESET (fillfactor), ALTER a SET STORAGE EXTENDED, ALTER a SET STATISTICS -1, REPLICA IDENTITY DEFAULT, DISABLE ROW LEVEL SECURITY; COMMENT ON TABLE t IS NULL",
        [],
    ),
    "a domain": (
        "CREATE DOMAIN d AS integer CHECK (VALUE > 0); CREATE TABLE t (a d DEFAULT 1)",
        "ALTER TABLE t ALTER a TYPE integer",
        "ALTER TABLE t ALTER a TYPE d",
        [],
    ),
    "a policy in the way of a type": (
        "CREATE TABLE t (a varchar(5)); CREATE POLICY p ON t USING (a = CURRENT_USER)",
        "DROP POLICY p ON t; ALTER TABLE t ALTER a TYPE text",
        "ALTER TABLE t ALTER a TYPE varchar(5); CREATE POLICY p ON t USING (a = CURRENT_USER)",
        [],
    ),
    "a trigger and its function": (
        "CREATE TABLE t (a integer); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "DROP TRIGGER g ON t; DROP FUNCTION f()",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE PROCEDURE f()",
        [],
    ),
}
"""By name: statements before, the way there and back, and the notes that are told (None for whichever)."""


def statements(text: str) -> list[str]:
    """Split at semicolons, but those of a body."""
    return text.replace("RETURN NEW; END", "RETURN NEW;END").split("; ")


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_a_right_round_trip_is_no_difference(lab: Lab, name: str) -> None:
    setting, there, back, notes = ROUND_TRIPS[name]
    lab.run(*statements(setting))
    before = lab.read()
    assert told(before, lab.step(*statements(there)))
    after = lab.step(*statements(back))
    assert after == lab.full()
    assert told(before, after) == []
    found = told(before, after, verdict=Verdict.SAME_MEANING) + told(before, after, verdict=Verdict.ORDER_ONLY)
    assert notes is None or found == notes


def test_a_cast_that_says_something_is_a_difference(lab: Lab) -> None:
    """Whole numbers divide otherwise than others do."""
    lab.run("CREATE TABLE t (a integer CHECK (a / 2 > 1))")
    before = lab.read()
    lab.step("ALTER TABLE t ALTER a TYPE numeric")
    after = lab.step("ALTER TABLE t ALTER a TYPE integer")
    assert told(before, after) == [
        "check constraint t_a_check on t: CHECK (((a / 2) > 1)) before, "
        "CHECK ((((a)::numeric / (2)::numeric) > (1)::numeric)) after"
    ]
