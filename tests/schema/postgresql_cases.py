"""Single changes to a PostgreSQL schema, each with what must be told of it."""

from __future__ import annotations

from typing import NamedTuple

BASE = (
    "CREATE TYPE status AS ENUM ('new', 'paid')",
    "CREATE DOMAIN amount AS integer",
    "CREATE TYPE pair AS (a integer, b text)",
    "CREATE TABLE author (id serial PRIMARY KEY, name varchar(60) NOT NULL, age integer DEFAULT 1, note text)",
    "CREATE TABLE book (id integer PRIMARY KEY, author_id integer, title text, isbn text, price numeric(8,2), span int4range)",
    "CREATE FUNCTION one(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a'",
    "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
)
"""What every case starts from."""


class Case(NamedTuple):
    """One change."""

    before: str
    """Statements that set the scene, with semicolons between."""
    change: str
    told: str
    """What must be told of it, a line each."""


ADDED = {
    # tables
    "table": Case("", "CREATE TABLE sale (id integer)", "table sale: still there"),
    "table dropped": Case("", "DROP TABLE book", "table book: missing"),
    "table in a schema": Case(
        "CREATE SCHEMA shop", "CREATE TABLE shop.sale (id integer)", "table shop.sale: still there"
    ),
    "table as select": Case("", "CREATE TABLE sale AS SELECT 1 AS id", "table sale: still there"),
    "table renamed": Case("", "ALTER TABLE book RENAME TO volume", "table book: named volume"),
    "unlogged": Case("", "ALTER TABLE book SET UNLOGGED", "table book: permanent before, unlogged after"),
    "fillfactor": Case(
        "",
        "ALTER TABLE book SET (fillfactor = 70)",
        "table book: no storage parameters before, storage parameters fillfactor=70 after",
    ),
    "table owner": Case("", "ALTER TABLE book OWNER TO keeper", "table book: owner postgres before, keeper after"),
    "table comment": Case(
        "", "COMMENT ON TABLE book IS 'all of them'", "table book: no comment before, comment 'all of them' after"
    ),
    "row security": Case(
        "",
        "ALTER TABLE book ENABLE ROW LEVEL SECURITY",
        "table book: no row level security before, row level security enabled after",
    ),
    "row security forced": Case(
        "ALTER TABLE book ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE book FORCE ROW LEVEL SECURITY",
        "table book: row level security enabled before, forced after",
    ),
    "replica identity": Case(
        "",
        "ALTER TABLE book REPLICA IDENTITY FULL",
        "table book: no replica identity before, replica identity full after",
    ),
    "inherits": Case(
        "CREATE TABLE child (LIKE author)",
        "ALTER TABLE child INHERIT author",
        "table child: no inherits before, inherits author after",
    ),
    "partition": Case(
        "CREATE TABLE log (day integer) PARTITION BY RANGE (day)",
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (9)",
        "table log_1: still there",
    ),
    "partition bound": Case(
        "CREATE TABLE log (day integer) PARTITION BY RANGE (day); CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (9)",
        "ALTER TABLE log DETACH PARTITION log_1; ALTER TABLE log ATTACH PARTITION log_1 FOR VALUES FROM (1) TO (5)",
        "table log_1: partition bound FOR VALUES FROM (1) TO (9) before, FOR VALUES FROM (1) TO (5) after",
    ),
    "partition key": Case(
        "CREATE TABLE log (day integer, hour integer) PARTITION BY RANGE (day)",
        "DROP TABLE log; CREATE TABLE log (day integer, hour integer) PARTITION BY LIST (day)",
        "table log: partitioned by RANGE (day) before, LIST (day) after",
    ),
    "foreign table": Case(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE far (id integer) SERVER s",
        "ALTER FOREIGN TABLE far OPTIONS (ADD place 'x')",
        "foreign table far: no options before, options place=x after",
    ),
    "of a type": Case(
        "CREATE TABLE double OF pair",
        "ALTER TABLE double NOT OF",
        "table double: of type pair before, no of type after",
    ),
    "clustered": Case(
        "",
        "ALTER TABLE book CLUSTER ON book_pkey",
        "primary key book_pkey on book: no clustered before, clustered yes after",
    ),
    # columns
    "column": Case("", "ALTER TABLE author ADD COLUMN born date", "column author.born: still there"),
    "column dropped": Case("", "ALTER TABLE author DROP COLUMN note", "column author.note: missing"),
    "column renamed": Case("", "ALTER TABLE author RENAME note TO remark", "column author.note: named remark"),
    "length": Case(
        "",
        "ALTER TABLE author ALTER name TYPE varchar(100)",
        "column author.name: type varchar(60) before, varchar(100) after",
    ),
    "precision": Case(
        "",
        "ALTER TABLE book ALTER price TYPE numeric(10,2)",
        "column book.price: type numeric(8,2) before, numeric(10,2) after",
    ),
    "type": Case(
        "", "ALTER TABLE author ALTER age TYPE bigint", "column author.age: type integer before, bigint after"
    ),
    "nullable": Case(
        "", "ALTER TABLE author ALTER name DROP NOT NULL", "column author.name: NOT NULL before, nullable after"
    ),
    "not null": Case(
        "", "ALTER TABLE author ALTER note SET NOT NULL", "column author.note: nullable before, NOT NULL after"
    ),
    "default": Case("", "ALTER TABLE author ALTER age SET DEFAULT 2", "column author.age: default 1 before, 2 after"),
    "default dropped": Case(
        "", "ALTER TABLE author ALTER age DROP DEFAULT", "column author.age: default 1 before, no default after"
    ),
    "default that is a call": Case(
        "",
        "ALTER TABLE book ALTER title SET DEFAULT md5('x')",
        "column book.title: no default before, default md5('x'::text) after",
    ),
    "default that is cast to something narrower": Case(
        "ALTER TABLE book ALTER price SET DEFAULT 1.5",
        "ALTER TABLE book ALTER price SET DEFAULT 1.5::integer",
        "column book.price: default 1.5 before, (1.5)::integer after",
    ),
    "identity": Case(
        "",
        "ALTER TABLE book ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "column book.id: no identity before, identity ALWAYS after",
    ),
    "identity kind": Case(
        "ALTER TABLE book ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE book ALTER id SET GENERATED BY DEFAULT",
        "column book.id: identity ALWAYS before, BY DEFAULT after",
    ),
    "identity options": Case(
        "ALTER TABLE book ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE book ALTER id SET INCREMENT BY 5",
        "column book.id: identity increment 1 before, 5 after",
    ),
    "generated": Case(
        "ALTER TABLE book ADD twice numeric GENERATED ALWAYS AS (price * 2) STORED",
        "ALTER TABLE book DROP twice, ADD twice numeric GENERATED ALWAYS AS (price * 3) STORED",
        "column book.twice: generated expression ((price * (2)::numeric)) STORED before, ((price * (3)::numeric)) STORED after",
    ),
    "generated no more": Case(
        "ALTER TABLE book ADD twice numeric GENERATED ALWAYS AS (price * 2) STORED",
        "ALTER TABLE book ALTER twice DROP EXPRESSION",
        "column book.twice: generated expression ((price * (2)::numeric)) STORED before, no generated expression after",
    ),
    "column collation": Case(
        "",
        'ALTER TABLE author ALTER note TYPE text COLLATE "C"',
        'column author.note: no collation before, collation "C" after',
    ),
    "column comment": Case(
        "", "COMMENT ON COLUMN author.note IS 'x'", "column author.note: no comment before, comment 'x' after"
    ),
    "column storage": Case(
        "",
        "ALTER TABLE author ALTER note SET STORAGE EXTERNAL",
        "column author.note: storage extended before, external after",
    ),
    "column compression": Case(
        "",
        "ALTER TABLE author ALTER note SET COMPRESSION pglz",
        "column author.note: no compression before, compression pglz after",
    ),
    "column statistics": Case(
        "",
        "ALTER TABLE author ALTER note SET STATISTICS 500",
        "column author.note: no statistics target before, statistics target 500 after",
    ),
    "column options": Case(
        "",
        "ALTER TABLE author ALTER note SET (n_distinct = 5)",
        "column author.note: no options before, options n_distinct=5 after",
    ),
    "enum column": Case(
        "ALTER TABLE book ADD state status",
        "ALTER TABLE book ALTER state TYPE text",
        "column book.state: type status before, text after",
    ),
    "array": Case(
        "ALTER TABLE book ADD tags text[]",
        "ALTER TABLE book ALTER tags TYPE varchar(5)[]",
        "column book.tags: type text[] before, varchar(5)[] after",
    ),
    # constraints
    "primary key": Case("", "ALTER TABLE book DROP CONSTRAINT book_pkey", "primary key book_pkey on book: missing"),
    "primary key columns": Case(
        "",
        "ALTER TABLE book DROP CONSTRAINT book_pkey, ALTER title SET NOT NULL, ADD PRIMARY KEY (id, title)",
        "column book.title: nullable before, NOT NULL after\nprimary key book_pkey on book: PRIMARY KEY (id) before, PRIMARY KEY (id, title) after",
    ),
    "primary key renamed": Case(
        "", "ALTER TABLE book RENAME CONSTRAINT book_pkey TO pk_book", "primary key book_pkey on book: named pk_book"
    ),
    "unique": Case(
        "", "ALTER TABLE book ADD CONSTRAINT uq_isbn UNIQUE (isbn)", "unique constraint uq_isbn on book: still there"
    ),
    "unique comes back under another name": Case(
        "ALTER TABLE book ADD CONSTRAINT uq_book_isbn UNIQUE (isbn)",
        "ALTER TABLE book DROP CONSTRAINT uq_book_isbn, ADD UNIQUE (isbn)",
        "unique constraint uq_book_isbn on book: named book_isbn_key",
    ),
    "unique deferrable": Case(
        "ALTER TABLE book ADD CONSTRAINT uq UNIQUE (isbn) DEFERRABLE",
        "ALTER TABLE book DROP CONSTRAINT uq, ADD CONSTRAINT uq UNIQUE (isbn)",
        "unique constraint uq on book: UNIQUE (isbn) DEFERRABLE before, UNIQUE (isbn) after",
    ),
    "unique includes": Case(
        "ALTER TABLE book ADD CONSTRAINT uq UNIQUE (isbn) INCLUDE (title)",
        "ALTER TABLE book DROP CONSTRAINT uq, ADD CONSTRAINT uq UNIQUE (isbn)",
        "unique constraint uq on book: UNIQUE (isbn) INCLUDE (title) before, UNIQUE (isbn) after",
    ),
    "unique becomes an index": Case(
        "ALTER TABLE book ADD CONSTRAINT uq UNIQUE (isbn)",
        "ALTER TABLE book DROP CONSTRAINT uq; CREATE UNIQUE INDEX uq ON book (isbn)",
        "unique constraint uq on book: missing\nindex uq on book: still there",
    ),
    "unique fillfactor": Case(
        "ALTER TABLE book ADD CONSTRAINT uq UNIQUE (isbn)",
        "ALTER INDEX uq SET (fillfactor = 50)",
        "unique constraint uq on book: no storage parameters before, storage parameters fillfactor=50 after",
    ),
    "check": Case(
        "", "ALTER TABLE author ADD CONSTRAINT ck_age CHECK (age > 0)", "check constraint ck_age on author: still there"
    ),
    "check changed": Case(
        "ALTER TABLE author ADD CONSTRAINT ck CHECK (age > 0)",
        "ALTER TABLE author DROP CONSTRAINT ck, ADD CONSTRAINT ck CHECK (age >= 0)",
        "check constraint ck on author: CHECK ((age > 0)) before, CHECK ((age >= 0)) after",
    ),
    "check not valid": Case(
        "ALTER TABLE author ADD CONSTRAINT ck CHECK (age > 0)",
        "ALTER TABLE author DROP CONSTRAINT ck, ADD CONSTRAINT ck CHECK (age > 0) NOT VALID",
        "check constraint ck on author: CHECK ((age > 0)) before, CHECK ((age > 0)) NOT VALID after",
    ),
    "check no inherit": Case(
        "ALTER TABLE author ADD CONSTRAINT ck CHECK (age > 0)",
        "ALTER TABLE author DROP CONSTRAINT ck, ADD CONSTRAINT ck CHECK (age > 0) NO INHERIT",
        "check constraint ck on author: CHECK ((age > 0)) before, CHECK ((age > 0)) NO INHERIT after",
    ),
    "check that compares as text": Case(
        "ALTER TABLE author ADD CONSTRAINT ck CHECK (age < id)",
        "ALTER TABLE author DROP CONSTRAINT ck, ADD CONSTRAINT ck CHECK (age::text < id::text)",
        "check constraint ck on author: CHECK ((age < id)) before, CHECK (((age)::text < (id)::text)) after",
    ),
    "check that divides": Case(
        "ALTER TABLE author ADD CONSTRAINT ck CHECK (age / 2 > 1)",
        "ALTER TABLE author DROP CONSTRAINT ck, ADD CONSTRAINT ck CHECK (age::numeric / 2 > 1)",
        "check constraint ck on author: CHECK (((age / 2) > 1)) before, CHECK ((((age)::numeric / (2)::numeric) > (1)::numeric)) after",
    ),
    "check comment": Case(
        "ALTER TABLE author ADD CONSTRAINT ck CHECK (age > 0)",
        "COMMENT ON CONSTRAINT ck ON author IS 'x'",
        "check constraint ck on author: no comment before, comment 'x' after",
    ),
    "check renamed": Case(
        "ALTER TABLE author ADD CONSTRAINT ck CHECK (age > 0)",
        "ALTER TABLE author RENAME CONSTRAINT ck TO ck_age",
        "check constraint ck on author: named ck_age",
    ),
    "foreign key": Case(
        "",
        "ALTER TABLE book ADD CONSTRAINT fk_author FOREIGN KEY (author_id) REFERENCES author",
        "foreign key fk_author on book: still there",
    ),
    "foreign key on delete": Case(
        "ALTER TABLE book ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author ON DELETE CASCADE",
        "ALTER TABLE book DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author",
        "foreign key fk on book: FOREIGN KEY (author_id) REFERENCES author(id) ON DELETE CASCADE before, FOREIGN KEY (author_id) REFERENCES author(id) after",
    ),
    "foreign key on update": Case(
        "ALTER TABLE book ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author ON UPDATE SET NULL",
        "ALTER TABLE book DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author",
        "foreign key fk on book: FOREIGN KEY (author_id) REFERENCES author(id) ON UPDATE SET NULL before, FOREIGN KEY (author_id) REFERENCES author(id) after",
    ),
    "foreign key match": Case(
        "ALTER TABLE book ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author MATCH FULL",
        "ALTER TABLE book DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author",
        "foreign key fk on book: FOREIGN KEY (author_id) REFERENCES author(id) MATCH FULL before, FOREIGN KEY (author_id) REFERENCES author(id) after",
    ),
    "foreign key deferrable": Case(
        "ALTER TABLE book ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author",
        "ALTER TABLE book ALTER CONSTRAINT fk DEFERRABLE INITIALLY DEFERRED",
        "foreign key fk on book: FOREIGN KEY (author_id) REFERENCES author(id) before, FOREIGN KEY (author_id) REFERENCES author(id) DEFERRABLE INITIALLY DEFERRED after",
    ),
    "foreign key not valid": Case(
        "ALTER TABLE book ADD CONSTRAINT fk FOREIGN KEY (author_id) REFERENCES author NOT VALID",
        "ALTER TABLE book VALIDATE CONSTRAINT fk",
        "foreign key fk on book: FOREIGN KEY (author_id) REFERENCES author(id) NOT VALID before, FOREIGN KEY (author_id) REFERENCES author(id) after",
    ),
    "exclusion": Case(
        "",
        "ALTER TABLE book ADD CONSTRAINT ex EXCLUDE USING gist (span WITH &&)",
        "exclusion constraint ex on book: still there",
    ),
    "exclusion changed": Case(
        "ALTER TABLE book ADD CONSTRAINT ex EXCLUDE USING gist (span WITH &&)",
        "ALTER TABLE book DROP CONSTRAINT ex, ADD CONSTRAINT ex EXCLUDE USING gist (span WITH &&) WHERE (id > 1)",
        "exclusion constraint ex on book: EXCLUDE USING gist (span WITH &&) before, EXCLUDE USING gist (span WITH &&) WHERE ((id > 1)) after",
    ),
    # indexes
    "index": Case("", "CREATE INDEX ix_title ON book (title)", "index ix_title on book: still there"),
    "index dropped": Case("CREATE INDEX ix ON book (title)", "DROP INDEX ix", "index ix on book: missing"),
    "index renamed": Case(
        "CREATE INDEX ix ON book (title)",
        "ALTER INDEX ix RENAME TO ix_book_title",
        "index ix on book: named ix_book_title",
    ),
    "index unique": Case(
        "CREATE UNIQUE INDEX ix ON book (title)",
        "DROP INDEX ix; CREATE INDEX ix ON book (title)",
        "index ix on book: UNIQUE btree (title) before, btree (title) after",
    ),
    "index columns": Case(
        "CREATE INDEX ix ON book (title, isbn)",
        "DROP INDEX ix; CREATE INDEX ix ON book (isbn, title)",
        "index ix on book: btree (title, isbn) before, btree (isbn, title) after",
    ),
    "index expression": Case(
        "CREATE INDEX ix ON book (lower(title))",
        "DROP INDEX ix; CREATE INDEX ix ON book (upper(title))",
        "index ix on book: btree (lower(title)) before, btree (upper(title)) after",
    ),
    "index partial": Case(
        "CREATE INDEX ix ON book (title) WHERE id > 5",
        "DROP INDEX ix; CREATE INDEX ix ON book (title)",
        "index ix on book: btree (title) WHERE (id > 5) before, btree (title) after",
    ),
    "index includes": Case(
        "CREATE INDEX ix ON book (title) INCLUDE (isbn)",
        "DROP INDEX ix; CREATE INDEX ix ON book (title)",
        "index ix on book: btree (title) INCLUDE (isbn) before, btree (title) after",
    ),
    "index order": Case(
        "CREATE INDEX ix ON book (title DESC NULLS LAST)",
        "DROP INDEX ix; CREATE INDEX ix ON book (title)",
        "index ix on book: btree (title DESC NULLS LAST) before, btree (title) after",
    ),
    "index operator class": Case(
        "CREATE INDEX ix ON book (title text_pattern_ops)",
        "DROP INDEX ix; CREATE INDEX ix ON book (title)",
        "index ix on book: btree (title text_pattern_ops) before, btree (title) after",
    ),
    "index collation": Case(
        'CREATE INDEX ix ON book (title COLLATE "C")',
        "DROP INDEX ix; CREATE INDEX ix ON book (title)",
        'index ix on book: btree (title COLLATE "C") before, btree (title) after',
    ),
    "index method": Case(
        "CREATE INDEX ix ON book USING hash (title)",
        "DROP INDEX ix; CREATE INDEX ix ON book (title)",
        "index ix on book: hash (title) before, btree (title) after",
    ),
    "index parameters": Case(
        "CREATE INDEX ix ON book (title)",
        "ALTER INDEX ix SET (fillfactor = 50)",
        "index ix on book: btree (title) before, btree (title) WITH (fillfactor='50') after",
    ),
    "index invalid": Case(
        "CREATE INDEX ix ON book (title)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass",
        "index ix on book: valid before, invalid after",
    ),
    "index comment": Case(
        "CREATE INDEX ix ON book (title)",
        "COMMENT ON INDEX ix IS 'x'",
        "index ix on book: no comment before, comment 'x' after",
    ),
    "index statistics": Case(
        "CREATE INDEX ix ON book (lower(title))",
        "ALTER INDEX ix ALTER COLUMN 1 SET STATISTICS 7",
        "index ix on book: no statistics targets before, statistics targets 1 at 7 after",
    ),
    "index attached": Case(
        "CREATE TABLE log (day integer) PARTITION BY RANGE (day); CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (9); CREATE INDEX ix ON ONLY log (day); CREATE INDEX ix_1 ON log_1 (day)",
        "ALTER INDEX ix ATTACH PARTITION ix_1",
        "index ix on log: invalid before, valid after\nindex ix_1 on log_1: no attached to before, attached to ix after",
    ),
    # types
    "enum": Case("", "CREATE TYPE mood AS ENUM ('a')", "enum type mood: still there"),
    "enum dropped": Case("", "DROP TYPE status", "enum type status: missing"),
    "enum value": Case(
        "",
        "ALTER TYPE status ADD VALUE 'sent'",
        "enum type status: values 'new', 'paid' before, 'new', 'paid', 'sent' after",
    ),
    "enum order": Case(
        "",
        "ALTER TYPE status ADD VALUE 'old' BEFORE 'new'",
        "enum type status: values 'new', 'paid' before, 'old', 'new', 'paid' after",
    ),
    "enum value renamed": Case(
        "",
        "ALTER TYPE status RENAME VALUE 'paid' TO 'done'",
        "enum type status: values 'new', 'paid' before, 'new', 'done' after",
    ),
    "enum owner": Case(
        "", "ALTER TYPE status OWNER TO keeper", "enum type status: owner postgres before, keeper after"
    ),
    "enum comment": Case("", "COMMENT ON TYPE status IS 'x'", "enum type status: no comment before, comment 'x' after"),
    "domain": Case("", "CREATE DOMAIN email AS text", "domain email: still there"),
    "domain check": Case(
        "",
        "ALTER DOMAIN amount ADD CONSTRAINT positive CHECK (VALUE > 0)",
        "check constraint positive on amount: still there",
    ),
    "domain default": Case(
        "", "ALTER DOMAIN amount SET DEFAULT 5", "domain amount: no default before, default 5 after"
    ),
    "domain not null": Case("", "ALTER DOMAIN amount SET NOT NULL", "domain amount: nullable before, NOT NULL after"),
    "domain type": Case(
        "", "DROP DOMAIN amount; CREATE DOMAIN amount AS bigint", "domain amount: type integer before, bigint after"
    ),
    "composite": Case("", "ALTER TYPE pair ADD ATTRIBUTE c date", "attribute pair.c: still there"),
    "composite attribute": Case(
        "", "ALTER TYPE pair ALTER ATTRIBUTE a TYPE bigint", "attribute pair.a: type integer before, bigint after"
    ),
    "range": Case("", "CREATE TYPE times AS RANGE (SUBTYPE = time)", "range type times: still there"),
    # sequences
    "sequence": Case("", "CREATE SEQUENCE numbers", "sequence numbers: still there"),
    "sequence increment": Case(
        "CREATE SEQUENCE numbers", "ALTER SEQUENCE numbers INCREMENT 5", "sequence numbers: increment 1 before, 5 after"
    ),
    "sequence bounds": Case(
        "CREATE SEQUENCE numbers",
        "ALTER SEQUENCE numbers MINVALUE -5 MAXVALUE 9",
        "sequence numbers: no maximum before, maximum 9 after\nsequence numbers: no minimum before, minimum -5 after",
    ),
    "sequence start": Case(
        "CREATE SEQUENCE numbers", "ALTER SEQUENCE numbers START 5", "sequence numbers: start 1 before, 5 after"
    ),
    "sequence cache and cycle": Case(
        "CREATE SEQUENCE numbers",
        "ALTER SEQUENCE numbers CACHE 5 CYCLE",
        "sequence numbers: no cache before, cache 5 after\nsequence numbers: no cycle before, cycle yes after",
    ),
    "sequence type": Case(
        "CREATE SEQUENCE numbers",
        "ALTER SEQUENCE numbers AS integer",
        "sequence numbers: type bigint before, integer after",
    ),
    "sequence owner": Case(
        "",
        "ALTER SEQUENCE author_id_seq OWNED BY NONE",
        "column author.id: default nextval(its own sequence) before, nextval('author_id_seq'::regclass) after\nsequence author_id_seq: still there",
    ),
    "sequence of a column renamed": Case(
        "",
        "ALTER SEQUENCE author_id_seq RENAME TO counter",
        "sequence of author.id: name author_id_seq before, counter after",
    ),
    # views
    "view": Case("", "CREATE VIEW names AS SELECT name FROM author", "view names: still there"),
    "view definition": Case(
        "CREATE VIEW names AS SELECT name FROM author",
        "CREATE OR REPLACE VIEW names AS SELECT name FROM author WHERE id > 1",
        "view names: SELECT name FROM author; before, SELECT name FROM author WHERE (id > 1); after",
    ),
    "view options": Case(
        "CREATE VIEW names AS SELECT name FROM author",
        "ALTER VIEW names SET (security_barrier = true)",
        "view names: no storage parameters before, storage parameters security_barrier=true after",
    ),
    "view comment": Case(
        "CREATE VIEW names AS SELECT name FROM author",
        "COMMENT ON VIEW names IS 'x'",
        "view names: no comment before, comment 'x' after",
    ),
    "materialized view": Case(
        "", "CREATE MATERIALIZED VIEW names AS SELECT name FROM author", "materialized view names: still there"
    ),
    "materialized view populated": Case(
        "CREATE MATERIALIZED VIEW names AS SELECT name FROM author WITH NO DATA",
        "REFRESH MATERIALIZED VIEW names",
        "materialized view names: not populated before, populated after",
    ),
    "materialized view index": Case(
        "CREATE MATERIALIZED VIEW names AS SELECT name FROM author",
        "CREATE INDEX ix ON names (name)",
        "index ix on names: still there",
    ),
    # functions
    "function": Case(
        "", "CREATE FUNCTION two() RETURNS integer LANGUAGE sql AS 'SELECT 2'", "function two(): still there"
    ),
    "function overloaded": Case(
        "", "CREATE FUNCTION one(a text) RETURNS integer LANGUAGE sql AS 'SELECT 2'", "function one(text): still there"
    ),
    "function body": Case(
        "",
        "CREATE OR REPLACE FUNCTION one(a integer) RETURNS integer LANGUAGE sql AS 'SELECT a + 1'",
        "function one(integer): …UAGE sql AS $function$SELECT a$function$ before, …UAGE sql AS $function$SELECT a + 1$function$ after",
    ),
    "function volatility": Case(
        "",
        "ALTER FUNCTION one(integer) IMMUTABLE",
        "function one(integer): … RETURNS integer LANGUAGE sql AS $function$SELECT a$function$ before, … RETURNS integer LANGUAGE sql IMMUTABLE AS $function$SELECT a$function$ after",
    ),
    "function owner": Case(
        "", "ALTER FUNCTION one(integer) OWNER TO keeper", "function one(integer): owner postgres before, keeper after"
    ),
    "function comment": Case(
        "", "COMMENT ON FUNCTION one(integer) IS 'x'", "function one(integer): no comment before, comment 'x' after"
    ),
    "procedure": Case("", "CREATE PROCEDURE work() LANGUAGE sql AS 'SELECT 1'", "procedure work(): still there"),
    "aggregate": Case(
        "", "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)", "aggregate total(integer): still there"
    ),
    "aggregate changed": Case(
        "CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer)",
        "DROP AGGREGATE total(integer); CREATE AGGREGATE total(integer) (SFUNC = int4mul, STYPE = integer)",
        "aggregate total(integer):",
    ),
    # what hangs on tables
    "trigger": Case(
        "",
        "CREATE TRIGGER tick BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch()",
        "trigger tick on book: still there",
    ),
    "trigger changed": Case(
        "CREATE TRIGGER tick BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch()",
        "DROP TRIGGER tick ON book; CREATE TRIGGER tick AFTER UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch()",
        "trigger tick on book: BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch() before, AFTER UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch() after",
    ),
    "trigger disabled": Case(
        "CREATE TRIGGER tick BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch()",
        "ALTER TABLE book DISABLE TRIGGER tick",
        "trigger tick on book: enabled before, disabled after",
    ),
    "trigger comment": Case(
        "CREATE TRIGGER tick BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch()",
        "COMMENT ON TRIGGER tick ON book IS 'x'",
        "trigger tick on book: no comment before, comment 'x' after",
    ),
    "trigger renamed": Case(
        "CREATE TRIGGER tick BEFORE UPDATE ON book FOR EACH ROW EXECUTE FUNCTION touch()",
        "ALTER TRIGGER tick ON book RENAME TO tock",
        "trigger tick on book: named tock",
    ),
    "rule": Case("", "CREATE RULE keep AS ON DELETE TO book DO INSTEAD NOTHING", "rule keep on book: still there"),
    "rule changed": Case(
        "CREATE RULE keep AS ON DELETE TO book DO INSTEAD NOTHING",
        "CREATE OR REPLACE RULE keep AS ON UPDATE TO book DO INSTEAD NOTHING",
        "rule keep on book: ON DELETE TO book DO INSTEAD NOTHING; before, ON UPDATE TO book DO INSTEAD NOTHING; after",
    ),
    "policy": Case("", "CREATE POLICY mine ON book USING (id > 1)", "policy mine on book: still there"),
    "policy expression": Case(
        "CREATE POLICY mine ON book USING (id > 1)",
        "ALTER POLICY mine ON book USING (id > 2)",
        "policy mine on book: using (id > 1) before, (id > 2) after",
    ),
    "policy roles": Case(
        "CREATE POLICY mine ON book USING (id > 1)",
        "ALTER POLICY mine ON book TO keeper",
        "policy mine on book: roles PUBLIC before, keeper after",
    ),
    "policy command": Case(
        "CREATE POLICY mine ON book USING (true)",
        "DROP POLICY mine ON book; CREATE POLICY mine ON book FOR SELECT USING (true)",
        "policy mine on book: command all before, select after",
    ),
    "policy restrictive": Case(
        "CREATE POLICY mine ON book USING (true)",
        "DROP POLICY mine ON book; CREATE POLICY mine ON book AS RESTRICTIVE USING (true)",
        "policy mine on book: permissive before, restrictive after",
    ),
    "policy check": Case(
        "CREATE POLICY mine ON book USING (true)",
        "ALTER POLICY mine ON book WITH CHECK (id > 1)",
        "policy mine on book: no check before, check (id > 1) after",
    ),
    "statistics": Case(
        "",
        "CREATE STATISTICS together (dependencies) ON id, title FROM book",
        "statistics together on book: still there",
    ),
    "statistics kinds": Case(
        "CREATE STATISTICS together (dependencies) ON id, title FROM book",
        "DROP STATISTICS together; CREATE STATISTICS together (ndistinct) ON id, title FROM book",
        "statistics together on book: (dependencies) ON id, title FROM book before, (ndistinct) ON id, title FROM book after",
    ),
    # the rest of the database
    "schema": Case("", "CREATE SCHEMA shop", "schema shop: still there"),
    "schema dropped": Case(
        "CREATE SCHEMA shop; CREATE TABLE shop.a (id integer); CREATE TYPE shop.b AS ENUM ('x')",
        "DROP SCHEMA shop CASCADE",
        "schema shop: missing",
    ),
    "schema owner": Case(
        "CREATE SCHEMA shop", "ALTER SCHEMA shop OWNER TO keeper", "schema shop: owner postgres before, keeper after"
    ),
    "grant": Case(
        "",
        "GRANT SELECT, UPDATE ON book TO keeper",
        "table book: no privileges of keeper before, privileges of keeper SELECT, UPDATE after",
    ),
    "grant to all": Case(
        "",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC",
        "table author: no privileges of PUBLIC before, privileges of PUBLIC SELECT after\ntable book: no privileges of PUBLIC before, privileges of PUBLIC SELECT after",
    ),
    "grant option": Case(
        "GRANT SELECT ON book TO keeper",
        "GRANT SELECT ON book TO keeper WITH GRANT OPTION",
        "table book: privileges of keeper SELECT before, SELECT with grant option after",
    ),
    "grant on a column": Case(
        "",
        "GRANT SELECT (id) ON book TO keeper",
        "column book.id: no privileges of keeper before, privileges of keeper SELECT after",
    ),
    "grant on a column, among others": Case(
        "",
        "GRANT SELECT (id) ON book TO PUBLIC; ALTER TABLE author ADD born integer NOT NULL DEFAULT 1; COMMENT ON COLUMN author.born IS 'x'",
        "column author.born: still there\ncolumn book.id: no privileges of PUBLIC before, privileges of PUBLIC SELECT after",
    ),
    "grant on a sequence": Case(
        "",
        "GRANT USAGE ON SEQUENCE author_id_seq TO keeper",
        "sequence of author.id: no privileges of keeper before, privileges of keeper USAGE after",
    ),
    "grant on a schema": Case(
        "",
        "GRANT CREATE ON SCHEMA public TO keeper",
        "schema public: no privileges of keeper before, privileges of keeper CREATE after",
    ),
    "grant on a function": Case(
        "",
        "REVOKE EXECUTE ON FUNCTION one(integer) FROM PUBLIC",
        "function one(integer): no privileges of PUBLIC before, privileges of PUBLIC none after",
    ),
    "grant on a type": Case(
        "",
        "REVOKE USAGE ON TYPE status FROM PUBLIC",
        "enum type status: no privileges of PUBLIC before, privileges of PUBLIC none after",
    ),
    "revoke from the owner": Case(
        "",
        "REVOKE INSERT ON book FROM postgres",
        "table book: no privileges of postgres before, privileges of postgres ",
    ),
    "drop owned": Case(
        "GRANT SELECT ON book TO keeper; GRANT SELECT (name) ON author TO keeper",
        "DROP OWNED BY keeper",
        "column author.name: privileges of keeper SELECT before, no privileges of keeper after\ntable book: privileges of keeper SELECT before, no privileges of keeper after",
    ),
    "default privileges": Case(
        "",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO keeper",
        "default privileges of postgres on tables: still there",
    ),
    "event trigger": Case(
        "", "CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION watch()", "event trigger guard: still there"
    ),
    "event trigger disabled": Case(
        "CREATE EVENT TRIGGER guard ON ddl_command_end EXECUTE FUNCTION watch()",
        "ALTER EVENT TRIGGER guard DISABLE",
        "event trigger guard: enabled before, disabled after",
    ),
    "extension dropped": Case(
        "",
        "DROP EXTENSION plpgsql CASCADE",
        "extension plpgsql: missing\nfunction touch(): missing\nfunction watch(): missing",
    ),
    "cast": Case("", "CREATE CAST (integer AS status) WITH INOUT", "cast (integer AS status): still there"),
    "operator": Case(
        "",
        "CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq)",
        "operator === (integer, integer): still there",
    ),
    "operator class": Case(
        "",
        "CREATE OPERATOR CLASS odd FOR TYPE integer USING hash AS OPERATOR 1 =",
        "operator class odd using hash: still there\noperator family odd using hash: still there",
    ),
    "collation": Case("", 'CREATE COLLATION plain FROM "C"', "collation plain: still there"),
    "conversion": Case(
        "", "CREATE CONVERSION strange FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", "conversion strange: still there"
    ),
    "text search configuration": Case(
        "CREATE TEXT SEARCH CONFIGURATION words (COPY = simple)",
        "ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING FOR int",
        "text search configuration words: mappings ",
    ),
    "text search dictionary": Case(
        "", "CREATE TEXT SEARCH DICTIONARY short (TEMPLATE = simple)", "text search dictionary short: still there"
    ),
    "language": Case("", "CREATE LANGUAGE mine HANDLER plpgsql_call_handler", "language mine: still there"),
    "server": Case(
        "CREATE FOREIGN DATA WRAPPER w",
        "CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (a 'b')",
        "server far: still there",
    ),
    "user mapping": Case(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w",
        "CREATE USER MAPPING FOR keeper SERVER far",
        "user mapping of keeper for server far: still there",
    ),
    "publication": Case("", "CREATE PUBLICATION news FOR TABLE book", "publication news: still there"),
    "publication tables": Case(
        "CREATE PUBLICATION news FOR TABLE book",
        "ALTER PUBLICATION news ADD TABLE author",
        "publication news: tables book before, author, book after",
    ),
    "access method": Case(
        "", "CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler", "access method pile: still there"
    ),
    "transform": Case(
        "",
        "CREATE TRANSFORM FOR integer LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))",
        "transform integer in sql: still there",
    ),
    "database comment": Case(
        "",
        "DO 'BEGIN EXECUTE format(''COMMENT ON DATABASE %I IS ''''x'''''', current_database()); END'",
        "database itself: no comment before, comment 'x' after",
    ),
    "database setting": Case(
        "",
        "DO 'BEGIN EXECUTE format(''ALTER DATABASE %I SET work_mem = ''''5MB'''''', current_database()); END'",
        "settings of the database: still there",
    ),
}
"""By name: each change."""
