"""A schema of MariaDB or MySQL that makes it hard to insert a row."""

from __future__ import annotations

TABLES: dict[str, tuple[str, ...]] = {
    "integers": (
        """CREATE TABLE integers (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, a TINYINT NOT NULL, b TINYINT UNSIGNED NOT NULL, c SMALLINT,
        d SMALLINT UNSIGNED NOT NULL, e MEDIUMINT NOT NULL, f MEDIUMINT UNSIGNED NOT NULL, g INT NOT NULL, h INT UNSIGNED NOT NULL, i BIGINT NOT NULL,
        j BIGINT UNSIGNED NOT NULL, k BOOLEAN NOT NULL, l BIT NOT NULL, m BIT(12) NOT NULL DEFAULT b'101', n YEAR NOT NULL, birth_year TINYINT)""",
    ),
    "numbers": (
        """CREATE TABLE numbers (id INT PRIMARY KEY, a DECIMAL(10, 2) NOT NULL, b DECIMAL(5, 5) UNSIGNED NOT NULL, c DECIMAL(65, 30), d FLOAT NOT NULL,
        e DOUBLE NOT NULL, f FLOAT(7, 4) NOT NULL, g DOUBLE UNSIGNED NOT NULL, h DECIMAL NOT NULL, i INT(6) ZEROFILL NOT NULL)""",
    ),
    "texts": (
        """CREATE TABLE texts (id INT PRIMARY KEY, a CHAR NOT NULL, b CHAR(3) NOT NULL, c VARCHAR(1) NOT NULL, d TINYTEXT NOT NULL, e TEXT NOT NULL,
        f MEDIUMTEXT, g LONGTEXT NOT NULL, h VARCHAR(40) CHARACTER SET latin1 NOT NULL, i VARCHAR(40) CHARACTER SET utf8mb3 NOT NULL,
        j VARCHAR(40) CHARACTER SET ascii NOT NULL, k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        l VARCHAR(30) NOT NULL DEFAULT 'it''s \\\\ "so"', m TEXT CHARACTER SET ucs2 NOT NULL, n VARCHAR(9) CHARACTER SET koi8r NOT NULL)""",
    ),
    "bytes": (
        """CREATE TABLE bytes (id INT PRIMARY KEY, a BINARY(16) NOT NULL, b BINARY NOT NULL, c VARBINARY(4) NOT NULL, d VARBINARY(500) NOT NULL,
        e TINYBLOB NOT NULL, f BLOB NOT NULL, g MEDIUMBLOB, h LONGBLOB NOT NULL)""",
    ),
    "moments": (
        """CREATE TABLE moments (id INT PRIMARY KEY, a DATE NOT NULL, b TIME NOT NULL, c TIME(3) NOT NULL, d DATETIME NOT NULL, e DATETIME(6) NOT NULL,
        f TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, g TIMESTAMP(6) NULL, seen TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)""",
    ),
    "lists": (
        """CREATE TABLE lists (id INT PRIMARY KEY, a ENUM('new', 'it''s, (odd)', '', 'gone') NOT NULL, b SET('r', 'w', 'x') NOT NULL, c JSON NOT NULL,
        d ENUM('a', 'A ü') CHARACTER SET latin1)""",
    ),
    "shapes": (
        """CREATE TABLE shapes (id INT PRIMARY KEY, a POINT NOT NULL, b GEOMETRY NOT NULL, c LINESTRING NOT NULL, d POLYGON NOT NULL, e MULTIPOINT NOT NULL,
        f GEOMETRYCOLLECTION NOT NULL, SPATIAL INDEX (a))""",
    ),
    "invisible": (
        "CREATE TABLE invisible (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL DEFAULT 3 INVISIBLE, b INT)",
    ),
    "no_key": ("CREATE TABLE no_key (a INT, b TEXT)",),
    "unique_pair": ("CREATE TABLE unique_pair (a BOOLEAN NOT NULL, b BOOLEAN NOT NULL, UNIQUE (a, b))",),
    "unique_name": (
        "CREATE TABLE unique_name (id INT AUTO_INCREMENT PRIMARY KEY, first_name VARCHAR(60) NOT NULL UNIQUE)",
    ),
    "unique_prefix": (
        "CREATE TABLE unique_prefix (id INT AUTO_INCREMENT PRIMARY KEY, body TEXT NOT NULL, UNIQUE (body(3)))",
    ),
    "unique_char": ("CREATE TABLE unique_char (code CHAR(1) PRIMARY KEY)",),
    "author": (
        "CREATE TABLE author (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, ref_code VARCHAR(6) UNIQUE)",
    ),
    "tree": (
        "CREATE TABLE tree (id INT AUTO_INCREMENT PRIMARY KEY, parent_id INT, FOREIGN KEY (parent_id) REFERENCES tree (id))",
    ),
    "loops": (
        "CREATE TABLE loops (id INT AUTO_INCREMENT PRIMARY KEY, parent_id INT NOT NULL, FOREIGN KEY (parent_id) REFERENCES loops (id))",
    ),
    "hen": (
        "CREATE TABLE hen (id INT AUTO_INCREMENT PRIMARY KEY, egg_id INT NOT NULL)",
        "CREATE TABLE egg (id INT AUTO_INCREMENT PRIMARY KEY, hen_id INT NOT NULL, FOREIGN KEY (hen_id) REFERENCES hen (id))",
        "ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg (id)",
    ),
    "project": ("CREATE TABLE project (tenant INT, id INT, PRIMARY KEY (tenant, id))",),
    "task": (
        "CREATE TABLE task (id INT PRIMARY KEY, tenant INT, project INT, FOREIGN KEY (tenant, project) REFERENCES project (tenant, id))",
    ),
    "one_to_one": (
        "CREATE TABLE one_to_one (author_id INT NOT NULL PRIMARY KEY, bio TEXT NOT NULL, FOREIGN KEY (author_id) REFERENCES author (id))",
    ),
    "many_to_many": (
        """CREATE TABLE many_to_many (author_id INT NOT NULL, tree_id INT NOT NULL, PRIMARY KEY (author_id, tree_id),
        FOREIGN KEY (author_id) REFERENCES author (id), FOREIGN KEY (tree_id) REFERENCES tree (id))""",
    ),
    "coded": ("CREATE TABLE coded (code BINARY(16) PRIMARY KEY, at DATETIME(3) NOT NULL UNIQUE)",),
    "of_coded": (
        "CREATE TABLE of_coded (id INT PRIMARY KEY, code BINARY(16) NOT NULL, FOREIGN KEY (code) REFERENCES coded (code))",
    ),
    "made": (
        """CREATE TABLE made (id INT AUTO_INCREMENT PRIMARY KEY, price INT NOT NULL, quantity INT NOT NULL, name VARCHAR(20) NOT NULL,
        total INT GENERATED ALWAYS AS (price * quantity) STORED, shout VARCHAR(30) AS (CONCAT(UPPER(name), '!')) VIRTUAL, CHECK (total < 1000))""",
    ),
    "checks": (
        """CREATE TABLE checks (id INT AUTO_INCREMENT PRIMARY KEY, age INT CHECK (age BETWEEN 18 AND 21),
        status VARCHAR(20) NOT NULL CHECK (status IN ('draft', 'it''s, (odd)', 'back\\\\slash')), code VARCHAR(30) NOT NULL CHECK (CHAR_LENGTH(code) = 12),
        ref CHAR(6) NOT NULL CHECK (ref REGEXP '^[0-9]{3}[a-c]+$'), email VARCHAR(99) NOT NULL CHECK (email LIKE '%_@_%.__%'),
        `low value` INT NOT NULL, high INT UNSIGNED NOT NULL, data JSON NOT NULL CHECK (JSON_CONTAINS_PATH(data, 'one', '$.kind')),
        upto DECIMAL(6, 2) CHECK (upto > 999), day DATE NOT NULL CHECK (day >= '2031-01-01'), CONSTRAINT ordered CHECK (`low value` < high))""",
    ),
    "checks_exclusive": (
        """CREATE TABLE checks_exclusive (id INT PRIMARY KEY, a INT, b VARCHAR(9), CHECK ((a IS NULL) <> (b IS NULL)))""",
    ),
    "trigger_rejects": (
        "CREATE TABLE trigger_rejects (id INT AUTO_INCREMENT PRIMARY KEY, amount INT NOT NULL)",
        """CREATE TRIGGER reject BEFORE INSERT ON trigger_rejects FOR EACH ROW
        BEGIN IF NEW.amount < 500 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'amount too small'; END IF; END""",
    ),
    "trigger_changes": (
        "CREATE TABLE trigger_changes (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(30) NOT NULL)",
        "CREATE TRIGGER shout BEFORE INSERT ON trigger_changes FOR EACH ROW SET NEW.name = UPPER(NEW.name)",
    ),
    "only_id": ("CREATE TABLE only_id (id INT AUTO_INCREMENT PRIMARY KEY)",),
    "partitioned": (
        """CREATE TABLE partitioned (id INT, at DATE NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (YEAR(at))
        (PARTITION early VALUES LESS THAN (2024), PARTITION late VALUES LESS THAN (2030))""",
    ),
    "myisam": ("CREATE TABLE myisam (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(30) UNIQUE) ENGINE=MyISAM",),
    "We`ird na%me": (
        "CREATE TABLE `We``ird na%me` (`select` INT NOT NULL CHECK (`select` > 10), `a:b` TEXT NOT NULL, `ti``ck` TEXT)",
    ),
}
"""By the table's name."""

OF_MARIADB: dict[str, tuple[str, ...]] = {
    "addresses": ("CREATE TABLE addresses (id UUID PRIMARY KEY, a INET6 NOT NULL, b INET4 NOT NULL, c UUID)",),
    "versioned": ("CREATE TABLE versioned (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING",),
    "told_versions": (
        """CREATE TABLE told_versions (id INT PRIMARY KEY, a INT, since TIMESTAMP(6) GENERATED ALWAYS AS ROW START,
        upto TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (since, upto)) WITH SYSTEM VERSIONING""",
    ),
    "numbered": (
        "CREATE SEQUENCE counter",
        "CREATE TABLE numbered (id INT PRIMARY KEY DEFAULT NEXTVAL(counter), a INT)",
    ),
    "aria": ("CREATE TABLE aria (id INT PRIMARY KEY, a INT) ENGINE=Aria",),
}
OF_MYSQL: dict[str, tuple[str, ...]] = {
    "unique_expression": (
        "CREATE TABLE unique_expression (id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(99) NOT NULL, UNIQUE ((LOWER(email))))",
    ),
    "places": ("CREATE TABLE places (id INT PRIMARY KEY, a POINT NOT NULL SRID 4326)",),
    "drawn": ("CREATE TABLE drawn (id CHAR(36) PRIMARY KEY DEFAULT (UUID()), a INT)",),
    "unenforced": (
        "CREATE TABLE unenforced (id INT PRIMARY KEY, a INT NOT NULL CHECK (a < 0 AND a > 0) NOT ENFORCED)",
    ),
    "vectors": ("CREATE TABLE vectors (id INT PRIMARY KEY, a VECTOR(3) NOT NULL)",),
}

IMPOSSIBLE: dict[str, tuple[tuple[str, ...], str]] = {
    "never": (
        (
            "CREATE TABLE never (id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, CONSTRAINT absurd CHECK (a < 0 AND a > 0))",
        ),
        "absurd",
    ),
    "closed": (
        (
            "CREATE TABLE closed (id INT AUTO_INCREMENT PRIMARY KEY)",
            "CREATE TRIGGER c BEFORE INSERT ON closed FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this table is closed'",
        ),
        "this table is closed",
    ),
    "child_of_never": (
        (
            "CREATE TABLE child_of_never (id INT PRIMARY KEY, never_id INT NOT NULL, FOREIGN KEY (never_id) REFERENCES never (id))",
        ),
        "foreign key constraint fails",
    ),
}
"""Tables that truly cannot have a row, and what the database says about it."""
