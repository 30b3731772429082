"""MariaDB and MySQL: what a MODIFY loses, what a failed step leaves, and what a downgrade forgets there."""

from __future__ import annotations

from functools import partial

from gauntlet.case import Case as AnyCase
from gauntlet.case import Rev, sql, table

Case = partial(AnyCase, dialect="mysql")

AUTHOR = table(
    "a1",
    "author",
    "id int NOT NULL AUTO_INCREMENT PRIMARY KEY",
    "name varchar(60) NOT NULL DEFAULT 'nobody' COMMENT 'as printed'",
    "seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
    "state enum('new', 'old') NOT NULL DEFAULT 'new'",
    "bio text",
    "data json",
    "team_id int",
)
TEAM = table("b2", "team", "id int NOT NULL AUTO_INCREMENT PRIMARY KEY", "code varchar(20)")
WITHOUT_KEY = 'op.drop_constraint("fk_team", "author", type_="foreignkey")'
WITH_KEY = 'op.create_foreign_key("fk_team", "author", "team", ["team_id"], ["id"])'


def modified(name: str, says: str, column: str, up: str, down: str, lost: str) -> AnyCase:
    """Make a case of `alter_column`, which writes the whole column again and knows only what it is told of it."""
    return Case(
        name,
        says,
        [
            AUTHOR,
            Rev(
                "b2",
                f'op.alter_column("author", "{column}", {up})',
                f'op.alter_column("author", "{column}", {down})',
            ),
        ],
        {("schema-not-restored", "b2"): lost},
    )


CASES = (
    modified(
        "modify-comment",
        "`alter_column` without `existing_comment` loses the column's comment",
        "name",
        "existing_type=sa.String(60), type_=sa.String(80), existing_nullable=False, existing_server_default='nobody'",
        "existing_type=sa.String(80), type_=sa.String(60), existing_nullable=False, existing_server_default='nobody'",
        "comment 'as printed' before",
    ),
    modified(
        "modify-auto-increment",
        "`alter_column` to BIGINT and back loses AUTO_INCREMENT",
        "id",
        "existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=False",
        "existing_type=sa.BigInteger(), type_=sa.Integer(), existing_nullable=False",
        "auto increment yes before",
    ),
    modified(
        "modify-on-update",
        "`alter_column` loses ON UPDATE CURRENT_TIMESTAMP: the column keeps its first value from then on",
        "seen",
        "existing_type=sa.TIMESTAMP(), nullable=True, existing_server_default=sa.func.now()",
        "existing_type=sa.TIMESTAMP(), nullable=False, existing_server_default=sa.func.now()",
        "before, no on update after",
    ),
    modified(
        "modify-enum",
        "a label is added to an ENUM, and the downgrade leaves it there",
        "state",
        "existing_type=sa.Enum('new', 'old'), type_=sa.Enum('new', 'old', 'gone'), existing_nullable=False, "
        "existing_server_default='new'",
        "existing_type=sa.Enum('new', 'old', 'gone'), existing_nullable=False, server_default='new'",
        "enum('new','old','gone') after",
    ),
    Case(
        "foreign-key-index",
        "the index that the server makes for a foreign key stays when the key is dropped",
        [TEAM, AUTHOR, Rev("c3", WITH_KEY, WITHOUT_KEY)],
        {("schema-not-restored", "c3"): "index fk_team"},
        hint="Drop the index in downgrade()",
    ),
    Case(
        "index-of-a-foreign-key",
        "a downgrade drops the index that a foreign key needs",
        [
            TEAM,
            AUTHOR,
            Rev(
                "c3",
                f'op.create_index("ix_team", "author", ["team_id"])\n{WITH_KEY}',
                f'op.drop_index("ix_team", "author")\n{WITHOUT_KEY}',
            ),
        ],
        {("downgrade-failed", "c3"): "ix_team"},
    ),
    Case(
        "mariadb-half-an-upgrade",
        "DDL is not transactional: an upgrade that fails halfway leaves a column and a table",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.add_column("author", sa.Column("mail", sa.String(99)))\n'
                'op.create_table("team", sa.Column("id", sa.Integer(), primary_key=True))\n'
                'op.create_foreign_key("fk_team", "author", "team", ["no_such_column"], ["id"])',
                'op.drop_table("team")\nop.drop_column("author", "mail")',
            ),
        ],
        {
            (
                "upgrade-failed",
                "b2",
            ): "these objects were already changed: column author.mail (added), table team (added)"
        },
        hint="What ran before the failure stays",
    ),
    Case(
        "mariadb-half-a-downgrade",
        "a downgrade that fails halfway has dropped a column by then; the walk goes on from a clean database",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.add_column("author", sa.Column("mail", sa.String(99)))',
                'op.drop_column("author", "mail")\nop.drop_index("ix_mail", "author")',
            ),
            Rev(
                "c3",
                'op.create_index("ix_mail", "author", ["mail"])',
                'op.drop_index("ix_mail", "author")',
            ),
        ],
        {("downgrade-failed", "b2"): "these objects were already changed: column author.mail (gone)"},
    ),
    Case(
        "index-prefix",
        "the downgrade makes an index of a TEXT column with another prefix length",
        [
            AUTHOR,
            Rev("b2", sql("CREATE INDEX ix_bio ON author (bio(100))"), 'op.drop_index("ix_bio", "author")'),
            Rev(
                "c3",
                'op.drop_index("ix_bio", "author")',
                'op.create_index("ix_bio", "author", ["bio"], mysql_length=10)',
            ),
        ],
        {("schema-not-restored", "c3"): "(bio(100)) before, (bio(10)) after"},
    ),
    Case(
        "fulltext-index",
        "the downgrade makes a plain index where there was one for full-text search",
        [
            AUTHOR,
            Rev("b2", sql("CREATE FULLTEXT INDEX ft_bio ON author (bio)"), 'op.drop_index("ft_bio", "author")'),
            Rev(
                "c3",
                'op.drop_index("ft_bio", "author")',
                'op.create_index("ft_bio", "author", ["bio"], mysql_length=10)',
            ),
        ],
        {("schema-not-restored", "c3"): "FULLTEXT (bio) before"},
    ),
    Case(
        "character-set",
        "the downgrade sets the table's character set back, and the columns keep the new one",
        [
            table("a1", "word", "id int PRIMARY KEY", "word varchar(20)"),
            Rev(
                "b2",
                sql("ALTER TABLE word CONVERT TO CHARACTER SET latin1"),
                sql("ALTER TABLE word DEFAULT CHARACTER SET utf8mb4"),
            ),
        ],
        {("schema-not-restored", "b2"): "column word.word", ("upgrade-failed", "b2"): "Incorrect string value"},
    ),
    Case(
        "trigger-of-a-table",
        "a table is dropped and made again by the downgrade, without its trigger",
        [
            TEAM,
            Rev(
                "c3",
                sql("CREATE TRIGGER upper_code BEFORE INSERT ON team FOR EACH ROW SET new.code = upper(new.code)"),
                sql("DROP TRIGGER upper_code"),
            ),
            Rev("d4", TEAM.down, TEAM.up),
        ],
        {("schema-not-restored", "d4"): "trigger upper_code", ("data-dropped", "d4"): "table team"},
    ),
    Case(
        "event",
        "an event is left behind: it runs every day on what is not there any more",
        [AUTHOR, Rev("b2", sql("CREATE EVENT forget ON SCHEDULE EVERY 1 DAY DO DELETE FROM author"))],
        {
            ("schema-not-restored", "b2"): "event forget",
            ("reupgrade-failed", "b2"): "forget",
        },
    ),
    Case(
        "session-mode",
        "a setting of the session stays for the revisions after it, in one run only: double quotes are names then",
        [
            AUTHOR,
            Rev("b2", sql("SET SESSION sql_mode = 'ANSI_QUOTES'")),
            Rev(
                "c3",
                sql("CREATE TABLE word (word varchar(9) DEFAULT 'x' CHECK (word <> \"y\"))"),
                sql("DROP TABLE word"),
            ),
        ],
        {("release-failed", "c3"): "y"},
    ),
    Case(
        "mysql-default-dropped",
        "`server_default=None` takes even NULL away as the default: an INSERT that leaves the column out fails from then on",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.alter_column("author", "team_id", server_default="7")',
                'op.alter_column("author", "team_id", server_default=None)',
            ),
        ],
        {("schema-not-restored", "b2"): "none, not even NULL"},
        hint="server_default=sa.text('NULL')",
        only="mysql",
    ),
    Case(
        "mysql-index-on-an-expression",
        "the downgrade makes an index of a column where there was one of an expression",
        [
            AUTHOR,
            Rev("b2", sql("CREATE INDEX ix_name ON author ((lower(name)))"), 'op.drop_index("ix_name", "author")'),
            Rev("c3", 'op.drop_index("ix_name", "author")', 'op.create_index("ix_name", "author", ["name"])'),
        ],
        {("schema-not-restored", "c3"): "((lower(name))) before, (name) after"},
        only="mysql",
    ),
    Case(
        "mysql-invisible-index",
        "an index that the optimizer was not to see is visible after the downgrade",
        [
            AUTHOR,
            Rev("b2", sql("CREATE INDEX ix_name ON author (name) INVISIBLE"), 'op.drop_index("ix_name", "author")'),
            Rev("c3", 'op.drop_index("ix_name", "author")', 'op.create_index("ix_name", "author", ["name"])'),
        ],
        {("schema-not-restored", "c3"): "visibility INVISIBLE before"},
        only="mysql",
    ),
    Case(
        "mysql-check-enforced",
        "a check that is not enforced is enforced after the downgrade",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("ALTER TABLE author ADD CONSTRAINT ck_name CHECK (name <> 'x') NOT ENFORCED"),
                sql("ALTER TABLE author DROP CHECK ck_name"),
            ),
            Rev(
                "c3",
                sql("ALTER TABLE author DROP CHECK ck_name"),
                'op.create_check_constraint("ck_name", "author", "name <> \'x\'")',
            ),
        ],
        {("schema-not-restored", "c3"): "enforcement NOT ENFORCED before"},
        only="mysql",
    ),
    Case(
        "mariadb-everything",
        "whatever MariaDB has besides tables is made and dropped",
        [
            AUTHOR,
            Rev(
                "b2",
                "\n".join(
                    [
                        sql("CREATE SEQUENCE numbers START WITH 100"),
                        sql("CREATE VIEW names AS SELECT name FROM author WITH CHECK OPTION"),
                        sql("CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2"),
                        sql("CREATE PROCEDURE forget() DELETE FROM author"),
                        sql("CREATE TRIGGER trim BEFORE INSERT ON author FOR EACH ROW SET new.name = trim(new.name)"),
                        sql("CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO CALL forget()"),
                    ]
                ),
                "\n".join(
                    [
                        sql("DROP EVENT nightly"),
                        sql("DROP TRIGGER trim"),
                        sql("DROP PROCEDURE forget"),
                        sql("DROP FUNCTION twice"),
                        sql("DROP VIEW names"),
                        sql("DROP SEQUENCE numbers"),
                    ]
                ),
            ),
        ],
        only="mariadb",
    ),
    Case(
        "mysql-everything",
        "whatever MySQL has, in a table and besides, is made and dropped",
        [
            AUTHOR,
            table(
                "b2",
                "book",
                "id int NOT NULL AUTO_INCREMENT PRIMARY KEY",
                "title varchar(60) COLLATE utf8mb4_bin NOT NULL",
                "data json DEFAULT (json_object('a', 1))",
                "place point NOT NULL SRID 4326",
                "tags set('a', 'b') INVISIBLE DEFAULT 'a'",
                "pages int",
                "sheets int GENERATED ALWAYS AS (pages / 2) VIRTUAL",
                "SPATIAL KEY sp_place (place)",
                "KEY ix_title ((lower(title)), id DESC)",
                "KEY ix_tags ((CAST(data->'$.tags' AS CHAR(20) ARRAY)))",
                "KEY ix_unseen (title(9)) INVISIBLE",
                "CONSTRAINT ck_title CHECK (title <> 'x''y') NOT ENFORCED",
            ),
            Rev(
                "c3",
                sql(
                    "CREATE TABLE sale (id int, day date) PARTITION BY RANGE (year(day)) "
                    "SUBPARTITION BY HASH (id) SUBPARTITIONS 2 "
                    "(PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE)"
                ),
                'op.drop_table("sale")',
            ),
            Rev(
                "d4",
                "\n".join(
                    [
                        sql("CREATE ROLE stairway_reader"),
                        sql("GRANT SELECT ON book TO stairway_reader"),
                        sql("CREATE VIEW names AS SELECT name FROM author WITH CHECK OPTION"),
                        sql("CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2"),
                        sql("CREATE PROCEDURE forget() DELETE FROM author"),
                        sql("CREATE TRIGGER trim BEFORE INSERT ON author FOR EACH ROW SET new.name = trim(new.name)"),
                        sql("CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO CALL forget()"),
                    ]
                ),
                "\n".join(
                    [
                        sql("DROP EVENT nightly"),
                        sql("DROP TRIGGER trim"),
                        sql("DROP PROCEDURE forget"),
                        sql("DROP FUNCTION twice"),
                        sql("DROP VIEW names"),
                        sql("DROP ROLE stairway_reader"),
                    ]
                ),
            ),
        ],
        only="mysql",
    ),
    Case(
        "mariadb-event-anew",
        "an event without STARTS begins when it is made, so it begins later after the downgrade",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM author"),
                sql("DROP EVENT nightly"),
            ),
            Rev(
                "c3",
                sql("DROP EVENT nightly"),
                sql("CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM author"),
            ),
        ],
    ),
    Case(
        "mariadb-modify-in-full",
        "`alter_column` that is told all that there is of the column loses nothing",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.alter_column("author", "name", existing_type=sa.String(60), type_=sa.String(80), existing_nullable=False, '
                "existing_server_default='nobody', existing_comment='as printed')",
                'op.alter_column("author", "name", existing_type=sa.String(80), type_=sa.String(60), existing_nullable=False, '
                "existing_server_default='nobody', existing_comment='as printed')",
            ),
        ],
    ),
    Case(
        "mariadb-foreign-key",
        "a foreign key, its column and with it the index go together",
        [
            TEAM,
            AUTHOR,
            Rev(
                "c3",
                'op.add_column("author", sa.Column("squad_id", sa.Integer()))\n'
                'op.create_foreign_key("fk_squad", "author", "team", ["squad_id"], ["id"], ondelete="SET NULL")',
                'op.drop_constraint("fk_squad", "author", type_="foreignkey")\nop.drop_column("author", "squad_id")',
            ),
        ],
    ),
    Case(
        "mariadb-rows-counted",
        "rows that come and go move the AUTO_INCREMENT counter, which is no part of the schema",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("INSERT INTO author (name) VALUES ('one'), ('two')"),
                sql("DELETE FROM author WHERE name IN ('one', 'two')"),
            ),
        ],
    ),
    Case(
        "mariadb-renames",
        "a table and a column are renamed and named back; the keys that the server named by itself follow",
        [
            TEAM,
            table("c3", "player", "id int PRIMARY KEY", "team_id int", "FOREIGN KEY (team_id) REFERENCES team (id)"),
            Rev(
                "d4",
                'op.rename_table("player", "member")\n'
                'op.alter_column("member", "team_id", new_column_name="squad_id", existing_type=sa.Integer())',
                'op.alter_column("member", "squad_id", new_column_name="team_id", existing_type=sa.Integer())\n'
                'op.rename_table("member", "player")',
            ),
        ],
    ),
    Case(
        "mariadb-session",
        "a revision leaves a setting of its session and a temporary table, which the next one never sees",
        [
            AUTHOR,
            Rev(
                "b2",
                "\n".join(
                    [
                        sql("SET FOREIGN_KEY_CHECKS = 0"),
                        sql("CREATE TEMPORARY TABLE chosen (id int)"),
                        sql("CREATE TABLE copy AS SELECT * FROM chosen"),
                    ]
                ),
                sql("DROP TABLE copy"),
            ),
            table("c3", "last", "id int PRIMARY KEY"),
        ],
    ),
)
