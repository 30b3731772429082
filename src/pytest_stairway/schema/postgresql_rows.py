"""What the rows of the catalogs say of each relation, kept so that only what moved need be read again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from pytest_stairway.schema.model import Part

    Rows = Sequence[Sequence[Any]]

__all__ = ["Owner", "Relation", "Row", "relations_of"]

_TOLD_WITH = {"rule": ("uses",), "policy": ("policy uses",)}
"""Tags of rows that a branch yields beside its own."""


class Row(NamedTuple):
    """What every branch of `postgresql_relations` yields."""

    relation: int
    tag: str
    name: str
    number: int
    texts: Sequence[str | None]


class Owner(NamedTuple):
    """The column that owns a sequence."""

    table: int
    column: int
    identity: bool


@dataclass(slots=True)
class Relation:
    """A relation as it was read last; it is not changed, but for its part, which is made when all rows are there."""

    oid: int
    rows: Mapping[str, Sequence[Row]]
    """By tag."""
    part: Part = field(default_factory=dict)
    schema: str = field(init=False)
    name: str = field(init=False)
    kind: str = field(init=False)
    storage: int = field(init=False)
    """Changes when all rows are written anew: TRUNCATE, and an ALTER TABLE that rewrites."""
    columns: dict[int, str] = field(init=False)
    owner: Owner | None = field(init=False)
    """What owns it, where it is a sequence that a column owns."""

    def __post_init__(self) -> None:
        row = self.rows["relation"][0]
        self.schema, self.kind = _unquoted(row.texts[0] or ""), row.texts[1] or ""
        self.name, self.storage = row.name, row.number
        self.columns = {row.number: row.name for row in self.of("column")}
        owners = self.of("owner") if self.kind == "S" else ()
        self.owner = next((Owner(row.number, int(row.texts[0] or 0), row.name == "i") for row in owners), None)

    def of(self, tag: str) -> Sequence[Row]:
        """Give the rows of one tag."""
        return self.rows.get(tag, ())

    @property
    def part_name(self) -> str:
        """What its part is called."""
        return f"relation {self.schema}.{self.name}"

    @property
    def indexes(self) -> list[int]:
        """Its indexes."""
        return [row.number for row in self.of("index")]

    @property
    def uses(self) -> frozenset[int]:
        """The other relations that its rules (a view is one) and policies use."""
        return frozenset(row.number for tag in ("uses", "policy uses") for row in self.of(tag)) - {self.oid}

    @property
    def bound(self) -> str | None:
        """Which part of its table's rows it takes, where it is a partition."""
        return self.rows["relation"][0].texts[12]

    @property
    def is_new(self) -> bool:
        """Tell whether its own row is new or changed, where it was read within a step's transaction."""
        return self.rows["relation"][0].texts[-1] is not None

    @property
    def is_filled(self) -> bool:
        """Tell whether it is new or changed, as above, and has pages of its own."""
        return self.rows["relation"][0].texts[-1] == "filled"

    @property
    def new_columns(self) -> set[int]:
        """Its columns whose rows are new or changed, where they were read within a step's transaction."""
        return {row.number for row in self.of("column") if row.texts[-1] is not None}

    def renamed(self, other: Relation) -> bool:
        """Tell whether the relation, or a column that is in both, has another name or schema in `other`."""
        if (self.schema, self.name) != (other.schema, other.name):
            return True
        return any(other.columns.get(number, name) != name for number, name in self.columns.items())


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def relations_of(rows: Iterable[Row], tags: Collection[str], before: Mapping[int, Relation]) -> dict[int, Relation]:
    """Sort rows by relation; what no branch was asked for is as it was before.

    Args:
        rows: the rows.
        tags: the tags of the branches that yielded them.
        before: the relations as they were before.
    """
    found: dict[int, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row.relation][row.tag].append(row)
    told = {*tags, *(other for tag in tags for other in _TOLD_WITH.get(tag, ()))}
    relations = {}
    for oid, tagged in found.items():
        kept = {tag: old for tag, old in before[oid].rows.items() if tag not in told} if oid in before else {}
        relations[oid] = Relation(oid, {**kept, **tagged})
    return relations
