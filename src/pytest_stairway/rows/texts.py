"""Texts: what a column's name promises, and what texts hold sooner or later all the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from pytest_stairway.rows.values import Values

__all__ = ["Words", "builtin_words", "faker_words", "json_values", "text"]

Words = Callable[[str, int], "str | None"]
"""Gives the n-th realistic text for a column's name; None where the name says nothing."""

_GOLDEN = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""An odd number whose multiples look drawn by lot."""
_FIRST = ("Ada", "Grace", "Zoë", "Omar", "Mei", "Søren", "Núria", "Ivan")
_LAST = ("Lovelace", "Hopper", "O'Brien", "Khayyám", "Lin", "Kierkegaard", "Espert", "Petrov")
_PLACES = ("London", "São Paulo", "Zürich", "東京", "Łódź", "Reykjavík", "Nairobi", "Québec")
_COUNTRIES = ("DE", "BR", "JP", "PL", "IS", "KE", "CA", "GB")
_SENTENCES = (
    "The quick brown fox jumps over the lazy dog.",
    "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich.",
    "いろはにほへと ちりぬるを",
    "Two lines\nand a\ttab.",
)
_PLAIN = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "haven")
_EDGES = ("", "  Ünïcødé  漢字 🐘 ", 'O\'Brien \\ "quoted" 100%_', " ")
"""The two that tell most come first, here and with other types."""
_LONGEST_EDGE = 300
"""A text as long as its column allows is one of the edges, up to this length."""
_VARIED = (
    "abc", "ABC", "Abc", "a", "A", "x", "1", "0", "12345", "123456", "1234567890", "a-b", "a_b", "a.b", "a1", "abc123",
    "user@example.org", "https://example.org/", "/path/file.txt", "#a1b2c3", "+442079460001", "2024-01-15", "12:30",
    "192.0.2.1", "en", "en_GB", "en-GB", "GB", "GBP", "Europe/London", "true", "{}", "[]", "1.0", "1.0.0",
    "0123456789abcdef0123456789abcdef", "6f1ed002-ab55-4a5c-8a7e-0123456789ab", "two words", "UPPER_CASE",
)  # fmt: skip
_BY_NAME: tuple[tuple[re.Pattern[str], Callable[[int], str]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (r"e_?mail", lambda n: f"{_plain(_FIRST, n)}.{n}@example.org"),
        (r"first_?name|given_?name|forename", lambda n: _of(_FIRST, n)),
        (r"(last|family|sur)_?name", lambda n: _of(_LAST, n)),
        (r"user_?name|login|nick|handle", lambda n: f"{_plain(_FIRST, n)}{n}"),
        (r"(^|_)(ur[li]|link|href|website|homepage)(_|$)", lambda n: f"https://example.org/{_PLAIN[n % 8]}/{n}"),
        (r"domain|host", lambda n: f"{_PLAIN[n % 8]}{n}.example.org"),
        (r"phone|mobile|fax", lambda n: f"+4420794600{n % 1000:03}"),
        (r"slug", lambda n: f"{_PLAIN[n % 8]}-{n}"),
        (r"colou?r", lambda n: f"#{(n * 2654435761) % 0xFFFFFF:06x}"),
        (r"country", lambda n: _COUNTRIES[n % 8] if n < 8 else f"{_COUNTRIES[n % 8]}{n}"),  # noqa: PLR2004 - as many
        (r"currency", lambda n: ("EUR", "BRL", "JPY", "GBP")[n % 4]),
        (r"locale|lang", lambda n: ("en", "pt_BR", "ja", "de")[n % 4]),
        (r"time_?zone|(^|_)tz$", lambda n: ("Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "UTC")[n % 4]),
        (r"(^|_)ip(_|$)|ip_?addr", lambda n: f"192.0.2.{n % 254 + 1}"),
        (r"uuid|guid", lambda n: f"6f1ed002-ab55-4a5c-8a7e-{n:012x}"),
        (r"token|hash|digest|sha\d*|md5|checksum|secret|password", lambda n: f"{(n + 1) * _GOLDEN % 2**128:032x}"),
        (r"file|path", lambda n: f"/srv/{_PLAIN[n % 8]}/{n}.txt"),
        (r"mime|content_?type|media_?type", lambda n: ("text/plain", "image/png", "application/json")[n % 3]),
        (r"zip|postal|postcode", lambda n: f"{10115 + n}"),
        (r"city|town|place", lambda n: _of(_PLACES, n)),
        (r"street|address", lambda n: f"{n + 1} {_LAST[n % 8]} Street"),
        (r"version", lambda n: f"1.{n}.0"),
        (r"bod(y|ies)|content|comment|description|text|bio|note|summary|message", lambda n: f"{_SENTENCES[n % 4]} {n}"),
        (r"title|subject|label|name", lambda n: f"{_PLAIN[n % 8].title()} {n}"),
    )
)  # fmt: skip


def _of(words: tuple[str, ...], n: int) -> str:
    return words[n % len(words)] if n < len(words) else f"{words[n % len(words)]} {n}"


def _plain(words: tuple[str, ...], n: int) -> str:
    return words[n % len(words)].lower().encode("ascii", "replace").decode().replace("?", "x")


def builtin_words(column: str, n: int) -> str | None:
    """Give a text for a column's name without any library."""
    make = _maker(column.lower())
    return None if make is None else make(n)


@lru_cache(maxsize=4096)
def _maker(name: str) -> Callable[[int], str] | None:
    return next((make for pattern, make in _BY_NAME if pattern.search(name)), None)


def faker_words(seed: int = 0, locale: str | None = None) -> Words:
    """Let Faker make the realistic texts, the same for the same seed.

    Raises:
        ImportError: Faker is not installed.
    """
    faker = import_module("faker").Faker(locale)
    providers = tuple(
        (re.compile(pattern), getattr(faker, provider))
        for pattern, provider in (
            (r"e_?mail", "safe_email"),
            (r"first_?name|given_?name", "first_name"),
            (r"(last|family|sur)_?name", "last_name"),
            (r"user_?name|login|nick", "user_name"),
            (r"(^|_)(ur[li]|link|href|website)(_|$)", "url"),
            (r"phone|mobile", "phone_number"),
            (r"city|town", "city"),
            (r"street|address", "street_address"),
            (r"company|organi[sz]ation", "company"),
            (r"title|subject", "sentence"),
            (r"bod(y|ies)|content|comment|description|text|bio|note", "paragraph"),
            (r"name", "name"),
        )
    )

    def words(column: str, n: int) -> str | None:
        for pattern, provider in providers:
            if pattern.search(column.lower()):
                faker.seed_instance(f"{seed} {column} {n}")
                return str(provider())
        return builtin_words(column, n)

    return words


def text(column: str, length: int | None, *, default: str | None, words: Words) -> Values:
    """Give the texts of one column.

    Args:
        column: its name.
        length: how many characters it takes at most; None without a limit.
        default: the text that it has by default, one of the typical ones then.
        words: gives the realistic ones.
    """

    def nth(n: int) -> str:
        if default is not None and n == 0:
            return default
        made = words(column, n)
        return _fit(made if made is not None else f"{_PLAIN[n % 8]} {n}", length, n)

    edges = [edge for edge in _EDGES if length is None or len(edge) <= length]
    if length is not None and length <= _LONGEST_EDGE:
        edges.append(("longest " * length)[:length].replace(" ", "_"))
    return Values(
        nth=nth,
        size=None if length is None else 36 ** min(length, 6),
        edges=tuple(dict.fromkeys(edges)),
        varied=tuple(v for v in _VARIED if length is None or len(v) <= length),
    )


def _fit(made: str, length: int | None, n: int) -> str:
    """Cut a text to its column's length, so that it still differs from the others."""
    if length is None or len(made) <= length:
        return made
    number = _base36(n)
    return (made[: max(0, length - len(number))].rstrip() + number)[-length:] if length else ""


def _base36(n: int) -> str:
    digits = ""
    while n or not digits:
        n, digit = divmod(n, 36)
        digits = "abcdefghijklmnopqrstuvwxyz0123456789"[digit] + digits
    return digits


def json_values(default: str | None) -> Values:
    """Give JSON documents: arrays where the default is one, else objects; code that reads a column expects one kind."""
    if default is not None and default.lstrip().startswith("["):
        return Values(
            nth=lambda n: json.dumps([f"item {n}", n]),
            edges=("[]", '["Ünï 🐘", ""]', '[{"a": null}]'),
            varied=("{}", '{"a": 1}', "null", "1", '"text"', "true"),
        )
    return Values(
        nth=lambda n: json.dumps({"name": f"{_PLAIN[n % 8]} {n}", "n": n, "tags": ["a", "b"]}),
        edges=('{"Ünï 🐘": "", "none": null}', "{}", '{"deep": {"list": [1, 2.5, true]}}'),
        varied=("[]", "[1, 2]", '["a"]', "null", "1", '"text"', "true", '{"a": 1}', '{"type": "a"}', '{"id": 1}'),
    )
