"""MariaDB: what happens to rows there, where a MODIFY converts them and a failed step leaves what it had done."""

from __future__ import annotations

from functools import partial

from gauntlet.case import Case as AnyCase
from gauntlet.case import Rev, sql, table

Case = partial(AnyCase, dialect="mysql")

AUTHOR = table(
    "a1",
    "author",
    "id int NOT NULL AUTO_INCREMENT PRIMARY KEY",
    "name varchar(60) NOT NULL",
    "ref_code varchar(20)",
    "born datetime(6)",
    "fee decimal(8, 2)",
    "state enum('new', 'old') NOT NULL DEFAULT 'new'",
    "data json",
    "age bigint unsigned",
    "seen timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
)
ROLE = table("a1", "role", "id int NOT NULL AUTO_INCREMENT PRIMARY KEY", "name varchar(30) NOT NULL UNIQUE")
ADD_CODE = 'op.add_column("author", sa.Column("code", sa.String(40)))'
DROP_CODE = 'op.drop_column("author", "code")'


def lines(*statements: str) -> str:
    """Render several statements."""
    return "\n".join(map(sql, statements))


CASES = (
    Case(
        "mariadb-backfill-over-values",
        "a backfill without `WHERE … IS NULL` overwrites what is there",
        [AUTHOR, Rev("b2", sql("UPDATE author SET ref_code = CONCAT('author-', id)"))],
        {("values-not-restored", "b2"): "the upgrade overwrites them"},
    ),
    Case(
        "mariadb-random-codes",
        "fills a new column with random codes, which the downgrade drops and the second upgrade makes anew",
        [AUTHOR, Rev("b2", ADD_CODE + "\n" + sql("UPDATE author SET code = LEFT(SHA2(RAND(), 256), 6)"), DROP_CODE)],
        {("not-repeatable", "b2"): "5 of 5 rows"},
    ),
    Case(
        "mariadb-table-made-again",
        "drops a table and makes it again, the same to the last letter: all rows are gone",
        [ROLE, Rev("b2", f"{ROLE.down}\n{ROLE.up}")],
        {("rows-lost", "b2"): "5 of 5 rows"},
    ),
    Case(
        "mariadb-truncated",
        "empties a table by TRUNCATE, which no downgrade takes back",
        [ROLE, Rev("b2", sql("TRUNCATE TABLE role"))],
        {("rows-lost", "b2"): "5 of 5 rows"},
    ),
    Case(
        "mariadb-rounded",
        "makes a DECIMAL an INT and a DECIMAL again: MODIFY rounds without a word",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("INSERT INTO author (name, fee) VALUES ('one of few', 12.34)"),
                sql("DELETE FROM author WHERE name = 'one of few'"),
            ),
            Rev("c3", sql("ALTER TABLE author MODIFY fee int"), sql("ALTER TABLE author MODIFY fee decimal(8, 2)")),
        ],
        {
            ("values-not-restored", "c3"): "'12.34' before, '12.00' after",
            ("downgrade-failed", "c3"): "Out of range value",
        },
    ),
    Case(
        "mariadb-fractions-of-seconds",
        "a DATETIME(6) becomes a DATETIME, which cuts the fractions, and a DATETIME(6) again",
        [
            AUTHOR,
            Rev(
                "b2", sql("ALTER TABLE author MODIFY born datetime"), sql("ALTER TABLE author MODIFY born datetime(6)")
            ),
        ],
        {("values-not-restored", "b2"): "column born"},
    ),
    Case(
        "mariadb-relabelled",
        "an enum's label gets another name without strict mode: the rows that had it are empty afterwards",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "SET SESSION sql_mode = ''",
                    "ALTER TABLE author MODIFY state enum('new', 'former') NOT NULL DEFAULT 'new'",
                ),
                lines(
                    "SET SESSION sql_mode = ''",
                    "ALTER TABLE author MODIFY state enum('new', 'old') NOT NULL DEFAULT 'new'",
                ),
            ),
        ],
        {("values-not-restored", "b2"): "'old' before, '' after"},
    ),
    Case(
        "mariadb-question-marks",
        "converts a table to latin1 without strict mode, and what latin1 cannot say becomes a question mark",
        [
            table("a1", "word", "id int PRIMARY KEY", "word varchar(200) NOT NULL"),
            Rev(
                "b2",
                lines("SET SESSION sql_mode = ''", "ALTER TABLE word CONVERT TO CHARACTER SET latin1"),
                sql("ALTER TABLE word CONVERT TO CHARACTER SET utf8mb4"),
            ),
        ],
        {("values-not-restored", "b2"): "?? ? ' after"},
    ),
    Case(
        "mariadb-column-dropped",
        "drops a column that holds data; the downgrade adds it again, empty",
        [
            AUTHOR,
            Rev(
                "b2",
                'op.drop_column("author", "data")',
                sql("ALTER TABLE author ADD data json AFTER state"),
            ),
        ],
        {("data-dropped", "b2"): "column data"},
    ),
    Case(
        "mariadb-equal-defaults",
        "adds a column with a default and makes it unique: all rows have the same value",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "ALTER TABLE author ADD slug varchar(20) NOT NULL DEFAULT ''",
                    "ALTER TABLE author ADD UNIQUE (slug)",
                ),
                'op.drop_column("author", "slug")',
            ),
        ],
        {("upgrade-failed", "b2"): "only when author has rows"},
    ),
    Case(
        "mariadb-case-is-no-difference",
        "makes names unique, and the collation sees no difference between 'ADA' and 'Ada'",
        [
            table("a1", "member", "id int NOT NULL AUTO_INCREMENT PRIMARY KEY", "name varchar(30) NOT NULL"),
            Rev(
                "b2",
                lines(
                    "UPDATE member SET name = IF(id % 2, 'Ada', 'ADA')", "ALTER TABLE member ADD UNIQUE uq_name (name)"
                ),
                sql("ALTER TABLE member DROP INDEX uq_name"),
            ),
        ],
        {("upgrade-failed", "b2"): "only when member has rows"},
    ),
    Case(
        "mariadb-half-a-backfill",
        "an upgrade fills a column and fails: the values stay there, and the revision beside it starts from others",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("UPDATE author SET ref_code = 'half'") + '\nop.drop_column("author", "nowhere")',
            ),
            Rev(
                "c3",
                """
                if op.get_bind().scalar(sa.text("SELECT COUNT(*) FROM author WHERE ref_code = 'half'")):
                    raise RuntimeError("half of another revision is here")
                """,
                down_revision="a1",
            ),
        ],
        {("upgrade-failed", "b2"): "nowhere"},
        options={"stairway_max_heads": 2},
    ),
    Case(
        "mariadb-trigger-overwrites",
        "a backfill of one column sets off a trigger that changes another",
        [
            AUTHOR,
            Rev(
                "b2",
                sql("CREATE TRIGGER tidy BEFORE UPDATE ON author FOR EACH ROW SET NEW.name = UPPER(NEW.name)"),
                sql("DROP TRIGGER tidy"),
            ),
            Rev("c3", ADD_CODE + "\n" + sql("UPDATE author SET code = 'none'"), DROP_CODE),
        ],
        {("values-not-restored", "c3"): "column name"},
    ),
    Case(
        "mariadb-cascade",
        "deletes a row and puts it back; what referred to it was deleted along with it",
        [
            ROLE,
            table(
                "b2",
                "member",
                "id int NOT NULL AUTO_INCREMENT PRIMARY KEY",
                "role_id int NOT NULL",
                "FOREIGN KEY (role_id) REFERENCES role (id) ON DELETE CASCADE",
            ),
            Rev(
                "c3",
                lines("CREATE TABLE kept AS SELECT * FROM role", "DELETE FROM role"),
                lines("INSERT INTO role SELECT * FROM kept", "DROP TABLE kept"),
            ),
        ],
        {("rows-lost", "c3"): "table member"},
    ),
    Case(
        "mariadb-overwritten-and-stuck",
        "overwrites and deletes rows, and the downgrade fails, so that nobody knows whether they would come back",
        [
            AUTHOR,
            Rev(
                "b2",
                lines("DELETE FROM author WHERE born IS NULL", "UPDATE author SET name = CONCAT(UPPER(name), '!')"),
                'op.drop_column("author", "nowhere")',
            ),
        ],
        {
            ("downgrade-failed", "b2"): "nowhere",
            ("rows-deleted", "b2"): "of 5 rows",
            ("values-overwritten", "b2"): "column name",
        },
    ),
    Case(
        "mariadb-not-populated",
        "a trigger refuses every row, so that nothing is known of the table's data",
        [
            table("a1", "audit", "id int NOT NULL AUTO_INCREMENT PRIMARY KEY", "said varchar(20)"),
            Rev(
                "b2",
                sql(
                    "CREATE TRIGGER closed BEFORE INSERT ON audit FOR EACH ROW "
                    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the audit is closed'"
                )
                + "\n"
                + sql("DELETE FROM audit"),
                sql("DROP TRIGGER closed"),
            ),
            Rev("c3", 'op.add_column("audit", sa.Column("x", sa.Integer()))', 'op.drop_column("audit", "x")'),
        ],
        {("rows-lost", "b2"): "5 of 5 rows", ("not-populated", "b2"): "the audit is closed"},
    ),
    Case(
        "mariadb-rows-survive",
        "columns are widened, converted to a type that holds the same, moved and named anew, and all of it back",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "ALTER TABLE author MODIFY name text NOT NULL, MODIFY fee decimal(20, 4), "
                    "MODIFY born datetime(6) AFTER fee, CHANGE ref_code code varchar(20)",
                    "RENAME TABLE author TO writer",
                ),
                lines(
                    "RENAME TABLE writer TO author",
                    "ALTER TABLE author MODIFY name varchar(60) NOT NULL, MODIFY fee decimal(8, 2), "
                    "CHANGE code ref_code varchar(20), MODIFY born datetime(6) AFTER ref_code",
                ),
            ),
        ],
    ),
    Case(
        "mariadb-backfill-of-a-new-column",
        "a new column is filled from another, always the same, while ON UPDATE CURRENT_TIMESTAMP dates the rows anew",
        [AUTHOR, Rev("b2", ADD_CODE + "\n" + sql("UPDATE author SET code = LEFT(SHA2(name, 256), 40)"), DROP_CODE)],
    ),
    Case(
        "mariadb-seed",
        "seeds rows and removes them; their numbers are others the second time",
        [
            ROLE,
            Rev(
                "b2",
                sql("INSERT INTO role (name) VALUES ('admin'), ('reader')"),
                sql("DELETE FROM role WHERE name IN ('admin', 'reader')"),
            ),
        ],
    ),
    Case(
        "mariadb-moved-and-back",
        "a column's values move to a table of their own, and come back exactly",
        [
            AUTHOR,
            Rev(
                "b2",
                lines(
                    "CREATE TABLE biography (author_id int PRIMARY KEY, data json)",
                    "INSERT INTO biography SELECT id, data FROM author",
                    "ALTER TABLE author DROP data",
                ),
                lines(
                    "ALTER TABLE author ADD data json AFTER state",
                    "UPDATE author JOIN biography ON author_id = author.id SET author.data = biography.data",
                    "DROP TABLE biography",
                ),
            ),
        ],
    ),
    Case(
        "mariadb-hard-to-fill",
        "tables that take only few rows: cycles, checks, a trigger that refuses, types of these servers",
        [
            table(
                "a1",
                "place",
                "id binary(16) PRIMARY KEY",
                "spot point NOT NULL",
                "kinds set('a', 'b') NOT NULL",
                "made year NOT NULL",
                "long_text longtext CHARACTER SET latin1",
                "code char(4) NOT NULL CHECK (code REGEXP '^[0-9]{4}$')",
                "word varchar(9) NOT NULL UNIQUE",
                "total int GENERATED ALWAYS AS (made * 2) STORED",
            ),
            Rev(
                "b2",
                lines(
                    "CREATE TABLE hen (id int AUTO_INCREMENT PRIMARY KEY, egg_id int NOT NULL)",
                    "CREATE TABLE egg (id int AUTO_INCREMENT PRIMARY KEY, hen_id int NOT NULL, "
                    "CONSTRAINT of_hen FOREIGN KEY (hen_id) REFERENCES hen (id))",
                    "ALTER TABLE hen ADD CONSTRAINT of_egg FOREIGN KEY (egg_id) REFERENCES egg (id)",
                    "CREATE TRIGGER small BEFORE INSERT ON egg FOR EACH ROW "
                    "IF NEW.id > 900000 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too many eggs'; END IF",
                ),
                lines("ALTER TABLE hen DROP FOREIGN KEY of_egg", "DROP TABLE egg", "DROP TABLE hen"),
            ),
            table("c3", "nest", "id int PRIMARY KEY", "place_id binary(16) REFERENCES place (id)"),
        ],
    ),
)
