"""A schema as plain data: what every reader produces, and all that a comparison ever sees.

A schema is a set of objects, each known by its `Key` and described by facts, which are texts in the words of the
database.  The objects come in parts (a table with all that hangs on it is one).  A reader that knows that a part has
not changed hands out the very same part again, so that comparing two schemas is mostly a comparison of identities.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pytest_stairway.phrases import joined, phrase, term

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection

    from pytest_stairway.phrases import Phrase
    from pytest_stairway.schema.transaction import Ending

__all__ = ["FORMAT_VERSION", "Facts", "Key", "Part", "Schema", "SchemaReader"]

FORMAT_VERSION = 1
"""Of `Schema.to_json`; 1 is the first."""

Facts = dict[str, str]
"""Attribute → text.  What an object does not have (no default, no comment) has no entry."""

_JOINED = {"column": "column", "attribute": "attribute", "sequence": "sequence of"}
"""Kinds that are told with their parent before them: ``column author.name``."""


class Key(NamedTuple):
    """What an object is known by."""

    kind: str
    """As it is told: ``table``, ``column``, ``unique constraint``, ``enum type``."""
    name: str
    """Within `parent`; a function's has its argument types: ``f(integer)``; an owned sequence's is its column's."""
    parent: str = ""
    """The table (or view, or type) that it hangs on, without its schema; empty for what stands by itself."""
    schema: str = ""
    """Empty for the default schema, and where there is no such thing."""

    def __str__(self) -> str:
        """Tell the object in words, qualified only outside the default schema."""
        return str(self.words)

    @property
    def words(self) -> Phrase:
        """The same, which can be said in another language."""
        kind = _JOINED.get(self.kind, self.kind) if self.parent else self.kind
        return joined([term(kind), self.told_name], " ")

    @property
    def told_name(self) -> str:
        """The object without its kind: ``author.name``, ``ix_user_email on user``."""
        if not self.parent:
            return self._qualified(self.name)
        if self.kind in _JOINED:
            return f"{self._qualified(self.parent)}.{self.name}"
        return phrase("%(name)s on %(table)s", name=self.name, table=self._qualified(self.parent))

    def _qualified(self, name: str) -> str:
        return f"{self.schema}.{name}" if self.schema else name


Part = dict[Key, Facts]
"""Some of a schema's objects, never changed once it is in a `Schema`."""


@dataclass(frozen=True, slots=True)
class Schema:
    """One database's schema at one moment."""

    dialect: str
    """SQLAlchemy's name of it: the rules by which two texts mean the same depend on it."""
    parts: Mapping[str, Part]
    """The objects, by the reader's name for each part; each object is in one part only."""
    default_schema: str = ""
    """What the default schema is called, where texts name it."""

    __hash__ = None  # type: ignore[assignment]  # parts are mappings

    @classmethod
    def of(cls, dialect: str, objects: Mapping[Key, Facts]) -> Schema:
        """Build a schema of loose objects, those of one table in one part."""
        parts: dict[str, Part] = {}
        for key, facts in objects.items():
            parts.setdefault(f"{key.schema}.{key.parent or key.name}", {})[key] = facts
        return cls(dialect, parts)

    def __iter__(self) -> Iterator[Key]:
        """Every object's key."""
        for part in self.parts.values():
            yield from part

    def __getitem__(self, key: Key) -> Facts:
        """One object's facts.

        Raises:
            KeyError: there is no such object.
        """
        for part in self.parts.values():
            if key in part:
                return part[key]
        raise KeyError(key)

    def __len__(self) -> int:
        """How many objects there are."""
        return sum(map(len, self.parts.values()))

    def objects(self) -> Part:
        """Collect the objects of all parts."""
        return {key: facts for part in self.parts.values() for key, facts in part.items()}

    def to_json(self) -> str:
        """Write the schema as JSON, the same text for the same schema."""
        parts = {
            name: [[*key, dict(sorted(facts.items()))] for key, facts in sorted(self.parts[name].items())]
            for name in sorted(self.parts)
        }
        head = {"format_version": FORMAT_VERSION, "dialect": self.dialect, "default_schema": self.default_schema}
        return json.dumps({**head, "parts": parts})

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is of another format version.
        """
        data = json.loads(text)
        if data.get("format_version") != FORMAT_VERSION:
            raise ValueError(f"a schema of format {data.get('format_version')}, where {FORMAT_VERSION} was expected")
        parts = {name: _part(rows) for name, rows in data["parts"].items()}
        return cls(data["dialect"], parts, data["default_schema"])


def _part(rows: Iterable[list[Any]]) -> Part:
    return {Key(*row[:-1]): row[-1] for row in rows}


class SchemaReader(Protocol):
    """Reads one database's schema, and remembers what it has read so as to read less the next time.

    There is one reader per database, and one database per reader.  Around each step it is told `begin_step` and
    `end_step`; `read` after the step's commit then need only look at what the step touched.  A reader that is never
    told of steps reads everything, every time.
    """

    touched_tables: frozenset[str] | None
    """The tables of which the last step inserted, updated, deleted or truncated rows, or which it rewrote, named as in
    the schema; None where it is not known."""

    def turn_to_next(self) -> None:
        """Take note that the next step is of another revision than the last: nothing is known of what it touches."""

    def begin_step(self, connection: Connection) -> None:
        """Take note of where things stand: right before a step, on the step's own connection."""

    def end_step(self, connection: Connection, ending: Ending | None = None) -> bool:
        """Take note of what the step touched: after its last statement, before its commit where there is one.

        Args:
            connection: the one on which the step ran.
            ending: how the step's transaction is ended; a reader may do so together with its own statements.

        Returns:
            Whether it has ended the transaction.

        Raises:
            EndingFailed: it was run, and raised.
        """

    def read(self, connection: Connection, *, thorough: bool = False) -> Schema:
        """Read the schema once the step is committed; leaves the session as it was and commits nothing.

        Args:
            connection: the one on which the step ran.
            thorough: read everything, whatever is remembered.
        """

    def resume(self, connection: Connection) -> None:
        """Take note of where things stand once rows were written, and committed, between two steps."""

    def forget(self) -> None:
        """Drop what is remembered: the database was replaced."""
