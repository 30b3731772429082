"""Each single change to a schema of MariaDB or MySQL is seen, and told in these words and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .mysql_lab import opened, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stairway.databases import Server

    from .mysql_lab import MysqlLab

CHANGES = {
    "table missing": ("DROP TABLE sale", ["table sale: missing after the downgrade"]),
    "table left": ("CREATE TABLE x (y INT)", ["table x: still there after the downgrade"]),
    "column left": ("ALTER TABLE sale ADD COLUMN x INT", ["column sale.x: still there after the downgrade"]),
    "engine": ("ALTER TABLE sale ENGINE=MyISAM", ["table sale: engine InnoDB before, MyISAM after"]),
    "table's comment": (
        "ALTER TABLE author COMMENT='who wrote'",
        ["table author: comment 'who writes' before, 'who wrote' after"],
    ),
    "comment beyond ASCII": (
        "ALTER TABLE team COMMENT='你?'",
        ["table team: no comment before, comment '你?' after"],
    ),
    "table's collation": (
        "ALTER TABLE sale COLLATE utf8mb4_unicode_ci",
        ["table sale: collation utf8mb4_general_ci before, utf8mb4_unicode_ci after"],
    ),
    "row format": (
        "ALTER TABLE author ROW_FORMAT=COMPACT",
        ["table author: row format DYNAMIC before, COMPACT after"],
    ),
    "table's option": (
        "ALTER TABLE team STATS_PERSISTENT=1",
        ["table team: no options before, options STATS_PERSISTENT=1 after"],
    ),
    "partition": ("ALTER TABLE sale DROP PARTITION p0", None),
    "versioning": (
        "ALTER TABLE price DROP SYSTEM VERSIONING",
        ["table price: options WITH SYSTEM VERSIONING before, no options after"],
    ),
    "column missing": ("ALTER TABLE author DROP hidden", ["column author.hidden: missing after the downgrade"]),
    "column renamed": (
        "ALTER TABLE author RENAME COLUMN hidden TO secret",
        [
            "column author.hidden: named secret after the downgrade",
        ],
    ),
    "type": (
        "ALTER TABLE team MODIFY code VARCHAR(11)",
        ["column team.code: type varchar(10) before, varchar(11) after"],
    ),
    "signedness": (
        "ALTER TABLE sale MODIFY id INT UNSIGNED",
        ["column sale.id: type int(11) before, int(10) unsigned after"],
    ),
    "enum label": (
        "ALTER TABLE author MODIFY state ENUM('new','old') DEFAULT 'new'",
        ["column author.state: type enum('new','old, (very)') before, enum('new','old') after"],
    ),
    "nullability": ("ALTER TABLE sale MODIFY id INT NOT NULL", ["column sale.id: nullable before, NOT NULL after"]),
    "default": (
        "ALTER TABLE author ALTER name SET DEFAULT 'x'",
        ["column author.name: default 'nobody, (really)' before, 'x' after"],
    ),
    "default expression": (
        "ALTER TABLE author ALTER hidden SET DEFAULT (rand() * 2)",
        ["column author.hidden: default 7 before, (rand() * 2) after"],
    ),
    "default gone": (
        "ALTER TABLE author ALTER hidden DROP DEFAULT",
        ["column author.hidden: default 7 before, no default after"],
    ),
    "default of bytes": (
        "ALTER TABLE author ALTER key_ SET DEFAULT X'00FE'",
        ["table author: options DEFAULT_OF_key_=00FF before, DEFAULT_OF_key_=00FE after"],
    ),
    "on update": (
        "ALTER TABLE author MODIFY seen DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3)",
        ["column author.seen: on update current_timestamp(3) before, no on update after"],
    ),
    "generated expression": (
        "ALTER TABLE author MODIFY twice DECIMAL(12,2) GENERATED ALWAYS AS (score * 3) VIRTUAL",
        ["column author.twice: generated expression (score * 2) VIRTUAL before, (score * 3) VIRTUAL after"],
    ),
    "auto increment": (
        "ALTER TABLE team MODIFY id INT NOT NULL",
        ["column team.id: auto increment yes before, no auto increment after"],
    ),
    "visibility": (
        "ALTER TABLE author MODIFY hidden INT DEFAULT 7",
        ["column author.hidden: visibility INVISIBLE before, no visibility after"],
    ),
    "column's check": (
        "ALTER TABLE author MODIFY score DECIMAL(10,2) UNSIGNED",
        ["column author.score: check (score > 1) before, no check after"],
    ),
    "column's comment": (
        "ALTER TABLE author MODIFY name VARCHAR(60) NOT NULL DEFAULT 'nobody, (really)' COMMENT 'who'",
        ["column author.name: comment \"who, or `what`; it's\" before, 'who' after"],
    ),
    "column's collation": (
        "ALTER TABLE author MODIFY email VARCHAR(50) CHARACTER SET latin1 COLLATE latin1_bin",
        ["column author.email: collation latin1_general_ci before, latin1_bin after"],
    ),
    "column's character set": (
        "ALTER TABLE author MODIFY email VARCHAR(50)",
        [
            "column author.email: character set latin1 before, utf8mb4 after",
            "column author.email: collation latin1_general_ci before, utf8mb4_general_ci after",
        ],
    ),
    "primary key": (
        "ALTER TABLE sale ADD PRIMARY KEY (id, day)",
        [
            "column sale.day: nullable before, NOT NULL after",
            "column sale.id: nullable before, NOT NULL after",
            "primary key PRIMARY on sale: still there after the downgrade",
        ],
    ),
    "index missing": (
        "ALTER TABLE author DROP KEY ft_author_body",
        ["index ft_author_body on author: missing after the downgrade"],
    ),
    "index left": (
        "CREATE INDEX ix_x ON sale (day)",
        ["index ix_x on sale: still there after the downgrade"],
    ),
    "index's prefix": (
        "ALTER TABLE author DROP KEY ix_author_name, ADD KEY ix_author_name (name(10), born DESC) COMMENT 'by name'",
        ["index ix_author_name on author: (name(20), born DESC) before, (name(10), born DESC) after"],
    ),
    "index's order": (
        "ALTER TABLE author DROP KEY ix_author_name, ADD KEY ix_author_name (name(20), born) COMMENT 'by name'",
        ["index ix_author_name on author: (name(20), born DESC) before, (name(20), born) after"],
    ),
    "index's comment": (
        "ALTER TABLE author DROP KEY ix_author_name, ADD KEY ix_author_name (name(20), born DESC)",
        ["index ix_author_name on author: comment 'by name' before, no comment after"],
    ),
    "index's visibility": (
        "ALTER TABLE author ALTER KEY ix_author_seen NOT IGNORED",
        ["index ix_author_seen on author: visibility IGNORED before, no visibility after"],
    ),
    "uniqueness": (
        "ALTER TABLE team DROP KEY uq_team_code, ADD KEY uq_team_code (code)",
        ["index uq_team_code on team: UNIQUE (code) before, (code) after"],
    ),
    "index renamed": (
        "ALTER TABLE team RENAME KEY uq_team_code TO uq_code",
        ["index uq_team_code on team: named uq_code after the downgrade"],
    ),
    "foreign key missing": (
        "ALTER TABLE author DROP FOREIGN KEY fk_author_team",
        ["foreign key fk_author_team on author: missing after the downgrade"],
    ),
    "foreign key's action": (
        "ALTER TABLE author DROP FOREIGN KEY fk_author_team;\n"
        "ALTER TABLE author ADD CONSTRAINT fk_author_team FOREIGN KEY (team_id) REFERENCES team (id) ON DELETE CASCADE",
        [
            "foreign key fk_author_team on author: (team_id) REFERENCES team (id) ON DELETE SET NULL before, "
            "(team_id) REFERENCES team (id) ON DELETE CASCADE after"
        ],
    ),
    "check": (
        "ALTER TABLE author DROP CONSTRAINT ck_author_name",
        ["check constraint ck_author_name on author: missing after the downgrade"],
    ),
    "sequence": (
        "ALTER SEQUENCE numbers INCREMENT BY 2",
        [
            "sequence numbers: start with 5 minvalue 1 maxvalue 9223372036854775806 increment by 1 cache 1000 nocycle "
            "ENGINE=InnoDB before, start with 5 minvalue 1 maxvalue 9223372036854775806 increment by 2 cache 1000 nocycle "
            "ENGINE=InnoDB after"
        ],
    ),
    "view": (
        "ALTER VIEW adults AS SELECT id FROM author WHERE score > 17",
        None,
    ),
    "view's security": (
        "ALTER SQL SECURITY INVOKER VIEW adults AS SELECT id, name FROM author WHERE score > 17",
        ["view adults: security DEFINER before, INVOKER after"],
    ),
    "view's check": (
        "ALTER VIEW adults AS SELECT id, name FROM author WHERE score > 17 WITH LOCAL CHECK OPTION",
        ["view adults: no check option before, check option LOCAL after"],
    ),
    "trigger missing": ("DROP TRIGGER tr_author_late", None),
    "trigger's order": (
        "DROP TRIGGER tr_author;\nCREATE TRIGGER tr_author BEFORE INSERT ON author FOR EACH ROW SET new.score = 2",
        [
            "trigger tr_author on author: order 1 before, 2 after",
            "trigger tr_author_late on author: order 2 before, 1 after",
        ],
    ),
    "function": (
        "DROP FUNCTION twice;\nCREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x + x",
        None,
    ),
    "function's characteristic": (
        "ALTER FUNCTION twice SQL SECURITY INVOKER",
        None,
    ),
    "procedure missing": ("DROP PROCEDURE clear", ["procedure clear: missing after the downgrade"]),
    "event's schedule": (
        "ALTER EVENT ev_clear ON SCHEDULE EVERY 2 DAY STARTS '2030-01-01 00:00:00'",
        ["event ev_clear: schedule EVERY 1 DAY before, EVERY 2 DAY after"],
    ),
    "event's status": ("ALTER EVENT ev_clear DISABLE", ["event ev_clear: status ENABLED before, DISABLED after"]),
    "event missing": ("DROP EVENT ev_clear", ["event ev_clear: missing after the downgrade"]),
    "database's collation": (
        "ALTER DATABASE COLLATE utf8mb4_unicode_ci",
        ["default collation: value utf8mb4_general_ci before, utf8mb4_unicode_ci after"],
    ),
}
"""What is done, and what is told of it; None for something."""
OF_MARIADB_ONLY = frozenset({"versioning", "sequence"})
MYSQL_CHANGES: dict[str, tuple[str, list[str] | None]] = {
    "engine": (
        "ALTER TABLE listed REMOVE PARTITIONING;\nALTER TABLE listed ENGINE=MyISAM",
        [
            "table listed: engine InnoDB before, MyISAM after",
            "table listed: partitioning PARTITION BY LIST COLUMNS(id) (PARTITION a VALUES IN (1,2), "
            "PARTITION b VALUES IN (3)) before, no partitioning after",
        ],
    ),
    "table's collation": (
        "ALTER TABLE sale COLLATE utf8mb4_unicode_ci",
        ["table sale: collation utf8mb4_0900_ai_ci before, utf8mb4_unicode_ci after"],
    ),
    "signedness": ("ALTER TABLE sale MODIFY id INT UNSIGNED", ["column sale.id: type int before, int unsigned after"]),
    "zerofill": (
        "ALTER TABLE book MODIFY filled INT UNSIGNED",
        ["column book.filled: type int(10) unsigned zerofill before, int unsigned after"],
    ),
    "set's label": (
        "ALTER TABLE book MODIFY tags SET('a','b','c') COLLATE utf8mb4_bin",
        ["column book.tags: type set('a','b') before, set('a','b','c') after"],
    ),
    "default expression": (
        "ALTER TABLE book ALTER data SET DEFAULT (JSON_OBJECT('a', 2))",
        ["column book.data: default (json_object(_utf8mb4'a',1)) before, (json_object(_utf8mb4'a',2)) after"],
    ),
    "default gone": (
        "ALTER TABLE author ALTER hidden DROP DEFAULT",
        ["column author.hidden: default '7' before, none, not even NULL after"],
    ),
    "default of bytes": (
        "ALTER TABLE author ALTER key_ SET DEFAULT X'00FE'",
        ["column author.key_: default 0x00FF before, 0x00FE after"],
    ),
    "on update": (
        "ALTER TABLE author MODIFY seen DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3)",
        ["column author.seen: on update CURRENT_TIMESTAMP(3) before, no on update after"],
    ),
    "generated expression": (
        "ALTER TABLE author MODIFY twice DECIMAL(12,2) GENERATED ALWAYS AS (score * 3) VIRTUAL",
        ["column author.twice: generated expression ((score * 2)) VIRTUAL before, ((score * 3)) VIRTUAL after"],
    ),
    "auto increment": (
        "ALTER TABLE book MODIFY id INT NOT NULL",
        ["column book.id: auto increment yes before, no auto increment after"],
    ),
    "visibility, by a word of its own": (
        "ALTER TABLE book ALTER COLUMN flag SET INVISIBLE",
        ["column book.flag: no visibility before, visibility INVISIBLE after"],
    ),
    "reference system": (
        "ALTER TABLE book DROP KEY sp_book_spot;\nALTER TABLE book MODIFY spot POINT NOT NULL SRID 3857",
        [
            "column book.spot: storage SRID 4326 before, SRID 3857 after",
            "index sp_book_spot on book: missing after the downgrade",
        ],
    ),
    "column's check": (
        "ALTER TABLE author DROP CHECK author_chk_1",
        ["check constraint author_chk_1 on author: missing after the downgrade"],
    ),
    "check's enforcement": (
        "ALTER TABLE book ALTER CHECK ck_book_title ENFORCED",
        ["check constraint ck_book_title on book: enforcement NOT ENFORCED before, no enforcement after"],
    ),
    "column's character set": (
        "ALTER TABLE author MODIFY email VARCHAR(50)",
        [
            "column author.email: character set latin1 before, utf8mb4 after",
            "column author.email: collation latin1_general_ci before, utf8mb4_0900_ai_ci after",
        ],
    ),
    "index's visibility": (
        "ALTER TABLE author ALTER INDEX ix_author_seen VISIBLE",
        ["index ix_author_seen on author: visibility INVISIBLE before, no visibility after"],
    ),
    "index's expression": (
        "ALTER TABLE book DROP KEY ix_book_lower, ADD KEY ix_book_lower ((upper(title)), flag, (filled + 1) DESC)",
        [
            "index ix_book_lower on book: ((lower(title)), flag, ((filled + 1)) DESC) before, "
            "((upper(title)), flag, ((filled + 1)) DESC) after"
        ],
    ),
    "index of an array": (
        "ALTER TABLE book DROP KEY ix_book_tags",
        ["index ix_book_tags on book: missing after the downgrade"],
    ),
    "index's parser": (
        "ALTER TABLE book DROP KEY ft_book_title;\nALTER TABLE book ADD FULLTEXT KEY ft_book_title (title)",
        ["index ft_book_title on book: options WITH PARSER `ngram` before, no options after"],
    ),
    "subpartitions": (
        "ALTER TABLE stock PARTITION BY RANGE (year(day)) SUBPARTITION BY HASH (id) SUBPARTITIONS 3 "
        "(PARTITION p0 VALUES LESS THAN (2000) COMMENT 'old', PARTITION p1 VALUES LESS THAN MAXVALUE)",
        None,
    ),
    "number of partitions": (
        "ALTER TABLE keyed ADD PARTITION PARTITIONS 1",
        ["table keyed: partitioning PARTITION BY KEY () PARTITIONS 3 before, PARTITION BY KEY () PARTITIONS 4 after"],
    ),
    "list of a partition": ("ALTER TABLE listed REORGANIZE PARTITION a INTO (PARTITION a VALUES IN (1))", None),
    "partitions gone": ("ALTER TABLE listed REMOVE PARTITIONING", None),
    "database's collation": (
        "ALTER DATABASE COLLATE utf8mb4_unicode_ci",
        ["default collation: value utf8mb4_0900_ai_ci before, utf8mb4_unicode_ci after"],
    ),
}
"""What is done or told in another way on MySQL, and what MariaDB does not have."""
ON_MYSQL = {**{change: CHANGES[change] for change in CHANGES.keys() - OF_MARIADB_ONLY}, **MYSQL_CHANGES}
EACH = [*(("mariadb", change) for change in CHANGES), *(("mysql", change) for change in sorted(ON_MYSQL))]


@pytest.fixture
def lab(either_server: Server) -> Iterator[MysqlLab]:
    with opened(either_server) as lab:
        lab.run(lab.script)
        yield lab


@pytest.mark.parametrize(("server", "change"), EACH)
def test_a_change_is_seen_and_told(request: pytest.FixtureRequest, server: str, change: str) -> None:
    statements, words = (CHANGES if server == "mariadb" else ON_MYSQL)[change]
    with opened(request.getfixturevalue(f"{server}_server")) as lab:
        lab.run(lab.script)
        tell(lab, statements, words)


def tell(lab: MysqlLab, statements: str, words: list[str] | None) -> None:
    before = lab.reader.read(lab.connection)
    lab.run(statements)
    after = lab.reader.read(lab.connection)
    found = told(before, after)
    assert found if words is None else found == words
    assert not told(after, lab.schema()), "a reader that remembers sees what one sees that does not"


def test_each_change_is_one_that_the_script_makes_possible(lab: MysqlLab) -> None:
    assert not told(lab.schema(), lab.schema())
