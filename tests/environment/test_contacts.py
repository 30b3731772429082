"""An address is the same for all ways to write one place, and never shows a password."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from pytest_stairway.contacts import address_of, contact_of, harmless, without_password

SECRETS = [
    "postgresql://app:secret@db/app",
    "postgresql+psycopg2://app:se:cr@et/secret@db:5432/app?sslmode=require",
    "could not connect to postgresql://app:secret@db/app: refused",
    "host=db user=app password=secret dbname=app",
    "host=db password='secret with spaces' dbname=app",
    r"password='it\'s secret' host=db",
    'password="secret secret" host=db',
    "PASSWORD = secret host=db",
    "PGPASSWORD=secret psql",
    "DRIVER={ODBC Driver 18};SERVER=db;UID=app;PWD=secret;Encrypt=yes",
    "DRIVER={ODBC Driver 18};SERVER=db;UID=app;PWD={secret;secret};Encrypt=yes",
    "connect(host='db', password='secret')",
    "mysql://app:secret@db/app postgresql://app:secret@db/app",
    "invalid interpolation syntax in 'postgresql://app:secret%40@db/app' at position 20",
]


@pytest.mark.parametrize("text", SECRETS)
def test_passwords_are_hidden(text: str) -> None:
    assert "secret" not in without_password(text)
    assert "***" in without_password(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db/app",
        "https://example.org/docs",
        "/var/lib/shop.db",
        "dbname=app host=db",
        "SELECT password FROM users",
    ],
)
def test_what_holds_no_password_stays(text: str) -> None:
    assert without_password(text) == text


@given(password=st.text(st.characters(blacklist_categories=["Z", "C"], blacklist_characters="'\"{;*"), min_size=6))
def test_any_password_in_a_conninfo(password: str) -> None:
    shown = without_password(f"host=db password={password} dbname=app")
    assert password not in shown
    assert shown.endswith("dbname=app")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgresql+psycopg://app:secret@localhost/shop", "postgresql+psycopg2://else@127.0.0.1:5432/shop"),
        ("postgresql+asyncpg://app@db/shop", "postgresql+psycopg://app@DB:5432/shop?sslmode=require"),
        ("postgresql+psycopg://app@[::1]/shop", "postgresql+psycopg://app@localhost/shop"),
        ("postgresql+psycopg://app@db", "postgresql+psycopg://app@db/app"),
        ("sqlite:///shop.db", "sqlite+aiosqlite:///shop.db"),
    ],
)
def test_one_place(one: str, other: str) -> None:
    assert address(one) == address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgresql+psycopg://app@db/shop", "postgresql+psycopg://app@db/warehouse"),
        ("postgresql+psycopg://app@db/shop", "postgresql+psycopg://app@db2/shop"),
        ("postgresql+psycopg://app@db/shop", "postgresql+psycopg://app@db:5433/shop"),
        ("postgresql+psycopg:///shop?host=/tmp/a", "postgresql+psycopg:///shop?host=/tmp/b"),
        ("postgresql+psycopg2://?service=one", "postgresql+psycopg2://?service=two"),
        ("sqlite:///shop.db", "sqlite:///warehouse.db"),
    ],
)
def test_two_places(one: str, other: str) -> None:
    assert address(one) != address(other)


def address(url: str) -> str:
    parsed = make_url(url)
    dialect = parsed.get_dialect()()
    cargs, cparams = dialect.create_connect_args(parsed)
    contact = contact_of(dialect, cargs, cparams)
    assert "secret" not in str(contact)
    return contact.address


def test_addresses_without_names() -> None:
    assert address_of(["host=db password=secret"], {}) == "/host=db password=***"
    assert address_of([], {"dsn": "postgresql://app:secret@db/app"}) == "/postgresql://app:***@db/app"
    assert address_of([], {}) == "/"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "host",
            "hostaddr",
            "port",
            "user",
            "password",
            "passfile",
            "dbname",
            "database",
            "dsn",
            "service",
            "unix_sock",
        ),
        *(
            "sslmode",
            "sslrootcert",
            "ssl",
            "ssl_context",
            "sslcertmode",
            "ssl_ca",
            "gssencmode",
            "gsslib",
            "krbsrvname",
        ),
        *("channel_binding", "require_auth", "requirepeer", "target_session_attrs", "async_creator_fn", "direct_tls"),
        *("scram_client_key", "oauth_issuer", "min_protocol_version", "read_default_file", "load_balance_hosts"),
    ],
)
def test_where_and_as_whom_is_dropped(name: str) -> None:
    assert harmless({name: 1, name.upper(): 2}) == {}


def test_everything_else_is_kept() -> None:
    kept: dict[str, Any] = {
        "options": "-csearch_path=shop",
        "application_name": "shop",
        "connect_timeout": 3,
        "autocommit": False,
        "server_settings": {},
        "statement_cache_size": 0,
        "cursor_factory": None,
        "row_factory": None,
        "timeout": 1,
        "check_same_thread": False,
        "detect_types": 0,
        "isolation_level": None,
        "charset": "utf8mb4",
        "context": None,
    }
    assert harmless(kept) == kept
