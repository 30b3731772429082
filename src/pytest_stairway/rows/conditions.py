"""What the conditions on a table are about: which constants they hold, and which columns they tie together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.rows.expressions import columns_in, conjuncts, constants, replace_names
from pytest_stairway.rows.kinds import values_of
from pytest_stairway.rows.mine import mined
from pytest_stairway.rows.shape import Column
from pytest_stairway.rows.solve import Component
from pytest_stairway.rows.sources import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_stairway.rows.expressions import Constants
    from pytest_stairway.rows.shape import Cell, ColumnType, ForeignKey, TableShape
    from pytest_stairway.rows.solve import Judge
    from pytest_stairway.rows.sources import Style

__all__ = ["components_of", "constants_by_column", "satisfying"]

_ENOUGH = 60
"""How many values of a domain are looked for."""


def satisfying(judge: Judge, type_: ColumnType, style: Style) -> tuple[str, ...]:
    """Find values of a domain that satisfy its conditions."""
    source = Source(
        table=type_.sql,
        column=Column(name="value", type=type_, nullable=False),
        style=style,
        values=values_of(type_, words=style.words),
        ordinal=0,
        step=1,
        careful=False,
        tried=mined(constants(type_.checks), type_),
    )
    conditions = tuple(text for text, _ in _domain_conditions({"value": source}))
    component = Component(sources=(source,), conditions=conditions, parents=lambda _: ())
    component.solve(judge, range(_ENOUGH))
    return tuple(cell for made, _ in component.good if (cell := made["value"]) is not None)


def constants_by_column(shape: TableShape, hints: Sequence[str] = ()) -> dict[str, Constants]:
    """Collect, for each column, the constants of the conditions that speak of it; those of hints are for all."""
    names = [column.name for column in shape.columns]
    texts: dict[str, list[str]] = {}
    for check in (*shape.checks, *shape.any_of):
        for name in _through_generated(shape, check.columns):
            texts.setdefault(name, []).append(check.text)
    for hint in hints:
        for name in names:
            texts.setdefault(name, []).append(hint)
    for column in shape.columns:
        if column.type.checks:
            texts.setdefault(column.name, []).extend(column.type.checks)
    return {name: constants(found) for name, found in texts.items()}


def _through_generated(shape: TableShape, names: Iterable[str]) -> tuple[str, ...]:
    """Put what a generated column is made of in its place."""
    every = [column.name for column in shape.columns]
    found: dict[str, None] = {}
    for name in names:
        generated = shape[name].generated
        found.update(dict.fromkeys((name,) if generated is None else columns_in(generated, every)))
    return tuple(found)


def components_of(
    shape: TableShape,
    sources: dict[str, Source],
    parents: Callable[[ForeignKey], Sequence[tuple[Cell, ...]]],
) -> list[Component]:
    """Cut a table's columns into components.

    Args:
        shape: the table.
        sources: those of the columns that get values.
        parents: the rows that a foreign key can refer to.
    """
    groups = {name: {name} for name in sources}
    conditions = [*_conditions(shape), *_domain_conditions(sources)]
    judgeable = [
        (text, columns) for text, columns in conditions if columns and all(name in sources for name in columns)
    ]
    keys = [k for k in shape.foreign_keys if k.parent_columns and all(name in sources for name in k.columns)]
    choices = [check for check in shape.any_of if check.columns and all(name in sources for name in check.columns)]
    if len(choices) < len(shape.any_of):
        choices = []
    for columns in (
        *(columns for _, columns in judgeable),
        *(key.columns for key in keys),
        tuple({name: None for check in choices for name in check.columns}),
    ):
        _unite(groups, [name for name in columns if name in sources])
    return [
        Component(
            sources=tuple(source for name, source in sources.items() if name in group),
            conditions=tuple(text for text, columns in judgeable if columns[0] in group),
            any_of=tuple(check.text for check in choices if check.columns[0] in group),
            foreign_keys=tuple(key for key in keys if key.columns[0] in group),
            parents=parents,
        )
        for group in {id(group): group for group in groups.values()}.values()
    ]


def _conditions(shape: TableShape) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give a table's conditions one by one, with the columns that decide them."""
    generated = {column.name: f"({column.generated})" for column in shape.columns if column.generated is not None}
    for check in shape.checks:
        for text in conjuncts(check.text):
            columns = columns_in(text, check.columns) or check.columns
            yield replace_names(text, generated) if generated else text, _through_generated(shape, columns)
    for column in shape.columns:
        if column.generated is not None:
            columns = _through_generated(shape, (column.name,))
            # A condition that is always true: it fails where the expression does, as when a product overflows.
            always = f"(({column.generated}) IS NULL) IS NOT NULL"
            yield always if column.nullable else f"({column.generated}) IS NOT NULL", columns


def _domain_conditions(sources: dict[str, Source]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, source in sources.items():
        value = '"' + name.replace('"', '""') + '"'
        for check in source.column.type.checks:
            for text in conjuncts(check):
                yield replace_names(text, {"VALUE": value, "value": value}), (name,)


def _unite(groups: dict[str, set[str]], names: list[str]) -> None:
    together = set().union(*(groups[name] for name in names)) if names else set()
    for name in together:
        groups[name] = together
