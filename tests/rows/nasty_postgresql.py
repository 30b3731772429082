"""A PostgreSQL schema that makes it hard to insert a row: about sixty tables, each with something else in its way."""

from __future__ import annotations

TABLES: dict[str, str] = {
    # types
    "numbers": """CREATE TABLE numbers (id serial PRIMARY KEY, a smallint NOT NULL, b integer, c bigint NOT NULL,
        d numeric NOT NULL, e numeric(10,2), f numeric(2,2) NOT NULL, g real, h double precision NOT NULL, i money NOT NULL,
        j numeric(38,0) UNIQUE, k smallint UNIQUE)""",
    "texts": """CREATE TABLE texts (id bigserial PRIMARY KEY, a text NOT NULL, b varchar(3) NOT NULL UNIQUE, c char(5) NOT NULL,
        d "char" NOT NULL, e name NOT NULL, f varchar, email varchar(254) NOT NULL UNIQUE, homepage text, g char(1) UNIQUE)""",
    "moments": """CREATE TABLE moments (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a date NOT NULL, b time NOT NULL,
        c time(3) with time zone NOT NULL, d timestamp NOT NULL, e timestamptz(0) NOT NULL, f interval NOT NULL,
        g interval year to month, h timestamptz DEFAULT now() NOT NULL)""",
    "others": """CREATE TABLE others (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, a boolean NOT NULL, b bytea NOT NULL,
        c json NOT NULL, d jsonb NOT NULL, e inet NOT NULL, f cidr NOT NULL, g macaddr NOT NULL, h macaddr8 NOT NULL,
        i bit(8) NOT NULL, j bit varying(5) NOT NULL, k tsvector NOT NULL, l tsquery NOT NULL, m jsonpath NOT NULL,
        n oid NOT NULL, o pg_lsn NOT NULL, p bit NOT NULL, q regclass NOT NULL, r int2vector NOT NULL)""",
    "shapes": """CREATE TABLE shapes (id serial PRIMARY KEY, a point NOT NULL, b line NOT NULL, c lseg NOT NULL, d box NOT NULL,
        e path NOT NULL, f polygon NOT NULL, g circle NOT NULL)""",
    "lists": """CREATE TABLE lists (id serial PRIMARY KEY, a integer[] NOT NULL, b text[] NOT NULL DEFAULT '{}', c varchar(3)[] NOT NULL,
        d timestamptz[] NOT NULL, e jsonb[] NOT NULL, f uuid[] NOT NULL, g numeric(4,1)[] NOT NULL, h integer[][] NOT NULL,
        i bytea[] NOT NULL, j boolean[] NOT NULL)""",
    "ranges": """CREATE TABLE ranges (id serial PRIMARY KEY, a int4range NOT NULL, b int8range NOT NULL, c numrange NOT NULL,
        d tsrange NOT NULL, e tstzrange NOT NULL, f daterange NOT NULL, g int4multirange NOT NULL, h datemultirange NOT NULL,
        i daterange[] NOT NULL)""",
    "moods": """CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'it''s, "fine"', 'ecstatic', 'numb', 'bored');
        CREATE TABLE moods (id serial PRIMARY KEY, a mood NOT NULL, b mood, c mood[] NOT NULL)""",
    "composites": """CREATE TYPE pair AS (low integer, high text, deep jsonb);
        CREATE TABLE composites (id serial PRIMARY KEY, a pair NOT NULL, b pair[] NOT NULL)""",
    "custom_range": """CREATE TYPE span AS RANGE (subtype = time);
        CREATE TABLE custom_range (id serial PRIMARY KEY, a span NOT NULL)""",
    "domains": """CREATE DOMAIN positive AS integer CHECK (VALUE > 0) CHECK (VALUE % 2 = 0);
        CREATE DOMAIN code AS varchar(6) NOT NULL CHECK (VALUE ~ '^[A-Z]{2}-[0-9]{3}$');
        CREATE DOMAIN rare AS positive CHECK (VALUE IN (4, 8, 15, 16, 23, 42, 1001));
        CREATE DOMAIN many AS integer[] CHECK (cardinality(VALUE) = 3);
        CREATE TYPE holder AS (a positive, b code);
        CREATE TABLE domains (id serial PRIMARY KEY, a positive NOT NULL, b code, c rare NOT NULL, d positive[] NOT NULL,
        e many NOT NULL, f holder NOT NULL)""",
    # unique
    "unique_pair": "CREATE TABLE unique_pair (a boolean NOT NULL, b boolean NOT NULL, c integer, UNIQUE (a, b))",
    "unique_partial": """CREATE TABLE unique_partial (id serial PRIMARY KEY, kind varchar(5) NOT NULL CHECK (kind IN ('a', 'b')),
        deleted_at timestamptz, CONSTRAINT c CHECK (true));
        CREATE UNIQUE INDEX one_live ON unique_partial (kind) WHERE deleted_at IS NULL""",
    "unique_expression": """CREATE TABLE unique_expression (id serial PRIMARY KEY, email text NOT NULL, at timestamp NOT NULL, note text);
        CREATE UNIQUE INDEX ON unique_expression (lower(email)); CREATE UNIQUE INDEX ON unique_expression (date_trunc('month', at));
        CREATE UNIQUE INDEX ON unique_expression (coalesce(note, ''))""",
    "unique_deferred": """CREATE TABLE unique_deferred (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED,
        position integer NOT NULL UNIQUE DEFERRABLE)""",
    "unique_mood": "CREATE TABLE unique_mood (a mood PRIMARY KEY, b text NOT NULL)",
    # foreign keys
    "author": "CREATE TABLE author (id serial PRIMARY KEY, name varchar(60) NOT NULL, ref_code varchar UNIQUE)",
    "tree": "CREATE TABLE tree (id serial PRIMARY KEY, parent_id integer REFERENCES tree, CHECK (parent_id <> id))",
    "loop": "CREATE TABLE loop (id serial PRIMARY KEY, parent_id integer NOT NULL REFERENCES loop)",
    "loop_always": "CREATE TABLE loop_always (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent_id integer NOT NULL REFERENCES loop_always)",
    "company": """CREATE TABLE company (id serial PRIMARY KEY, owner_id integer NOT NULL);
        CREATE TABLE employee (id uuid PRIMARY KEY, company_id integer NOT NULL REFERENCES company, code text NOT NULL UNIQUE, number serial UNIQUE);
        ALTER TABLE company ADD FOREIGN KEY (owner_id) REFERENCES employee (number)""",
    "employee": "",
    "left_side": """CREATE TABLE left_side (id integer PRIMARY KEY, right_id integer);
        CREATE TABLE right_side (id integer PRIMARY KEY, left_id integer NOT NULL REFERENCES left_side);
        ALTER TABLE left_side ADD FOREIGN KEY (right_id) REFERENCES right_side""",
    "right_side": "",
    "hen": """CREATE TABLE hen (id integer PRIMARY KEY, egg_id integer NOT NULL);
        CREATE TABLE egg (id integer PRIMARY KEY, hen_id integer NOT NULL REFERENCES hen DEFERRABLE INITIALLY DEFERRED);
        ALTER TABLE hen ADD FOREIGN KEY (egg_id) REFERENCES egg DEFERRABLE INITIALLY DEFERRED""",
    "egg": "",
    "tenant": """CREATE TABLE tenant (id serial PRIMARY KEY, slug varchar(20) NOT NULL UNIQUE);
        CREATE TABLE project (tenant_id integer REFERENCES tenant, id integer, PRIMARY KEY (tenant_id, id));
        CREATE TABLE label (tenant_id integer REFERENCES tenant, id integer, PRIMARY KEY (tenant_id, id));
        CREATE TABLE project_label (tenant_id integer, project_id integer, label_id integer, PRIMARY KEY (tenant_id, project_id, label_id),
        FOREIGN KEY (tenant_id, project_id) REFERENCES project, FOREIGN KEY (tenant_id, label_id) REFERENCES label)""",
    "project": "",
    "label": "",
    "project_label": "",
    "match_full": """CREATE TABLE match_full (id serial PRIMARY KEY, tenant_id integer, project_id integer,
        FOREIGN KEY (tenant_id, project_id) REFERENCES project MATCH FULL)""",
    "one_to_one": "CREATE TABLE one_to_one (author_id integer PRIMARY KEY REFERENCES author, bio text NOT NULL)",
    "many_to_many": "CREATE TABLE many_to_many (author_id integer REFERENCES author, tenant_id integer REFERENCES tenant, PRIMARY KEY (author_id, tenant_id))",
    "by_code": "CREATE TABLE by_code (id serial PRIMARY KEY, ref_code varchar NOT NULL REFERENCES author (ref_code))",
    # identity, generated, defaults
    "identity_default": "CREATE TABLE identity_default (id bigint GENERATED BY DEFAULT AS IDENTITY (START 100 INCREMENT 10), a text)",
    "generated": """CREATE TABLE generated (id serial PRIMARY KEY, price integer NOT NULL, quantity integer NOT NULL,
        total integer GENERATED ALWAYS AS (price * quantity) STORED, CHECK (total < 1000))""",
    "only_identity": "CREATE TABLE only_identity (id int GENERATED ALWAYS AS IDENTITY)",
    "only_defaults": "CREATE TABLE only_defaults (id serial PRIMARY KEY, n integer DEFAULT nextval('only_defaults_id_seq'))",
    "nothing": "CREATE TABLE nothing ()",
    # checks
    "checks": """CREATE TABLE checks (id serial PRIMARY KEY, age integer CHECK (age BETWEEN 18 AND 21),
        status varchar(20) NOT NULL CHECK (status IN ('draft', 'published', 'archived')), code text NOT NULL CHECK (length(code) = 12),
        ref char(6) NOT NULL CHECK (ref ~ '^[0-9a-f]{6}$'), email text NOT NULL CHECK (email LIKE '%_@_%.__%'),
        percent numeric(5,2) NOT NULL CHECK (percent > 0 AND percent <= 100), name text NOT NULL CHECK (btrim(name) <> ''),
        upper_name text CHECK (upper_name = upper(upper_name)), lower_name text CHECK (lower_name = lower(lower_name)),
        hash bytea NOT NULL CHECK (octet_length(hash) = 32), score real CHECK (score >= 0.5 AND score < 0.75),
        pattern text NOT NULL CHECK (pattern SIMILAR TO '(ab|cd)+[0-9]'), ssn text NOT NULL CHECK (ssn ~ '^\\d{3}-\\d{2}-\\d{4}$'))""",
    "checks_between": """CREATE TABLE checks_between (id serial PRIMARY KEY, low integer NOT NULL, high integer NOT NULL, CHECK (low < high),
        starts timestamptz NOT NULL, ends timestamptz, CHECK (ends IS NULL OR ends > starts), a integer, b integer, CHECK (a + b = 10),
        total numeric(12,2) NOT NULL, net numeric(12,2) NOT NULL, tax numeric(12,2) NOT NULL, CHECK (total = net + tax))""",
    "checks_exclusive": """CREATE TABLE checks_exclusive (id serial PRIMARY KEY, author_id integer REFERENCES author, tenant_id integer REFERENCES tenant,
        url text, CHECK (num_nonnulls(author_id, tenant_id, url) = 1))""",
    "checks_kinds": """CREATE TABLE checks_kinds (id serial PRIMARY KEY, kind text NOT NULL, card text, iban text, amount integer NOT NULL,
        CHECK ((kind = 'card' AND card IS NOT NULL AND iban IS NULL AND amount BETWEEN 1 AND 50) OR (kind = 'bank' AND card IS NULL AND iban IS NOT NULL AND amount >= 1000)))""",
    "checks_json": """CREATE TABLE checks_json (id serial PRIMARY KEY, data jsonb NOT NULL CHECK (data ? 'version' AND data ? 'kind'),
        items jsonb NOT NULL CHECK (jsonb_typeof(items) = 'array'), kinds text[] NOT NULL CHECK (kinds <@ ARRAY['x', 'y', 'z'] AND array_length(kinds, 1) >= 1))""",
    "checks_dates": """CREATE TABLE checks_dates (id serial PRIMARY KEY, monday date NOT NULL CHECK (extract(isodow FROM monday) = 1),
        first date NOT NULL CHECK (first = date_trunc('month', first)), past date NOT NULL CHECK (past < '1950-06-01'),
        recent timestamptz NOT NULL CHECK (recent > '2030-01-01 00:00:00+00'))""",
    "checks_function": """CREATE FUNCTION is_valid(x text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN RETURN x IN ('opensesame', 'shibboleth') OR length(x) = 77; END $$;
        CREATE TABLE checks_function (id serial PRIMARY KEY, word text NOT NULL CHECK (is_valid(word)))""",
    "checks_failing": "CREATE TABLE checks_failing (id serial PRIMARY KEY, a text NOT NULL CHECK (a::integer > 5), b integer NOT NULL CHECK (10 / b >= 2))",
    # exclusion
    "bookings": "CREATE TABLE bookings (id serial PRIMARY KEY, during tstzrange NOT NULL, EXCLUDE USING gist (during WITH &&))",
    "bookings_two": """CREATE TABLE bookings_two (id serial PRIMARY KEY, starts timestamp NOT NULL, ends timestamp NOT NULL,
        EXCLUDE USING gist (tsrange(starts, ends) WITH &&))""",
    "excluded_deferred": "CREATE TABLE excluded_deferred (id serial PRIMARY KEY, c circle, EXCLUDE USING gist (c WITH &&) DEFERRABLE INITIALLY DEFERRED)",
    # triggers
    "trigger_rejects": """CREATE TABLE trigger_rejects (id serial PRIMARY KEY, amount integer NOT NULL, currency text NOT NULL);
        CREATE FUNCTION reject() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.amount < 500 THEN RAISE EXCEPTION 'amount too small: %', NEW.amount; END IF;
        IF NEW.currency NOT IN ('XTS', 'XXX') THEN RAISE EXCEPTION 'unknown currency'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER reject BEFORE INSERT ON trigger_rejects FOR EACH ROW EXECUTE FUNCTION reject()""",
    "trigger_deferred": """CREATE TABLE trigger_deferred (id serial PRIMARY KEY, a integer NOT NULL);
        CREATE FUNCTION reject_later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.a <> 7 THEN RAISE EXCEPTION 'not seven'; END IF; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER later AFTER INSERT ON trigger_deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reject_later()""",
    "trigger_audited": """CREATE TABLE audit (id serial PRIMARY KEY, what text NOT NULL);
        CREATE TABLE trigger_audited (id serial PRIMARY KEY, a text);
        CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit (what) VALUES (coalesce(NEW.a, '?')); RETURN NEW; END $$;
        CREATE TRIGGER audited AFTER INSERT ON trigger_audited FOR EACH ROW EXECUTE FUNCTION audited()""",
    "audit": "",
    "with_rule": "CREATE TABLE with_rule (id serial PRIMARY KEY, a text); CREATE RULE r AS ON INSERT TO with_rule DO ALSO UPDATE author SET name = name",
    # partitions, inheritance
    "by_range": """CREATE TABLE by_range (id serial, at date NOT NULL, note text) PARTITION BY RANGE (at);
        CREATE TABLE by_range_2023 PARTITION OF by_range FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
        CREATE TABLE by_range_2031 PARTITION OF by_range FOR VALUES FROM ('2031-01-01') TO ('2032-01-01') PARTITION BY LIST (note);
        CREATE TABLE by_range_2031_x PARTITION OF by_range_2031 FOR VALUES IN ('x', NULL)""",
    "by_list": """CREATE TABLE by_list (region text NOT NULL, n integer CHECK (n > 3)) PARTITION BY LIST (region);
        CREATE TABLE by_list_eu PARTITION OF by_list FOR VALUES IN ('de', 'fr'); CREATE TABLE by_list_us PARTITION OF by_list (CHECK (n < 9)) FOR VALUES IN ('us')""",
    "by_hash": """CREATE TABLE by_hash (id uuid NOT NULL, a integer) PARTITION BY HASH (id); CREATE TABLE by_hash_0 PARTITION OF by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0)""",
    "by_default": "CREATE TABLE by_default (a integer) PARTITION BY RANGE (a); CREATE TABLE by_default_rest PARTITION OF by_default DEFAULT",
    "ancestor": """CREATE TABLE ancestor (id serial PRIMARY KEY, a text NOT NULL); CREATE TABLE descendant (b integer NOT NULL) INHERITS (ancestor)""",
    "descendant": "",
    # names and schemas
    'We"ird na%me': """CREATE TABLE "We""ird na%me" ("select" integer NOT NULL CHECK ("select" > 10), "a:b" text NOT NULL, "Ünï ""q"" x" integer)""",
    "other.author": """CREATE SCHEMA other; CREATE TABLE other.author (id serial PRIMARY KEY, author_id integer NOT NULL REFERENCES public.author)""",
    "other.dotted.name": 'CREATE TABLE other."dotted.name" (id serial PRIMARY KEY)',
    "wide": "CREATE TABLE wide (" + ", ".join(f"c{n} integer" for n in range(150)) + ")",
}
"""By the table's name; what is empty is created along with another."""

IMPOSSIBLE: dict[str, tuple[str, str]] = {
    "never": (
        "CREATE TABLE never (id serial PRIMARY KEY, a integer NOT NULL CHECK (a < 0 AND a > 0))",
        "never_a_check",
    ),
    "no_partition": ("CREATE TABLE no_partition (a integer) PARTITION BY LIST (a)", "no partition of relation"),
    "closed": (
        """CREATE TABLE closed (id serial PRIMARY KEY, a text);
        CREATE FUNCTION closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'this table is closed'; END $$;
        CREATE TRIGGER closed BEFORE INSERT ON closed FOR EACH ROW EXECUTE FUNCTION closed()""",
        "this table is closed",
    ),
    "swallowed": (
        """CREATE TABLE swallowed (id serial PRIMARY KEY, a text);
        CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        CREATE TRIGGER swallow BEFORE INSERT ON swallowed FOR EACH ROW EXECUTE FUNCTION swallow()""",
        "discards it",
    ),
    "child_of_never": (
        "CREATE TABLE child_of_never (id serial PRIMARY KEY, never_id integer NOT NULL REFERENCES never)",
        'not present in table "never"',
    ),
}
"""Tables that truly cannot have a row, and what the database says about it."""
