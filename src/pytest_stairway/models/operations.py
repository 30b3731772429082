"""The operations that Alembic's autogenerate would write so that the database becomes what the models say."""

from __future__ import annotations

import contextlib
import warnings
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import SQLAlchemyError

from pytest_stairway.models.metadata import metadata_of
from pytest_stairway.schema import Change

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import MetaData

    from pytest_stairway.schema import Difference, Key

__all__ = ["mending_operations"]

DROPS = (ops.DropConstraintOp, ops.DropIndexOp)
CREATES = (ops.AddConstraintOp, ops.CreateIndexOp)
OF_TABLES = (ops.CreateTableOp, ops.DropTableOp, ops.CreateTableCommentOp, ops.DropTableCommentOp)
RENDERED = ("render_as_batch", "render_item", "user_module_prefix", "sqlalchemy_module_prefix", "alembic_module_prefix")
"""What `env.py` can say of how operations are written."""


def mending_operations(
    context: MigrationContext, given: Mapping[str, Any], differences: Iterable[Difference], default_schema: str
) -> dict[Key, str]:
    """Let autogenerate compare for itself, and give what it would write for each object.

    Args:
        context: as `env.py` configured it, connected to the migrated database.
        given: what `env.py` gave to ``context.configure``; server defaults are compared unless it says no.
        differences: what is to be mended.
        default_schema: what the default schema is called.
    """
    differences = list(differences)
    tables = {(each.key.schema, each.key.parent or each.key.name) for each in differences}
    options = {**context.opts, "compare_server_default": True, **given, **_narrowed(given, tables, default_schema)}
    options.pop("script", None)  # or rendering asks it for a target_metadata
    own = MigrationContext.configure(connection=context.connection, opts=options)
    found = _found(own, metadata_of(given))
    written: dict[Key, list[str]] = {}
    for op in found:
        mended = [each for each in differences if _mends(op, each, default_schema)]
        if mended and (text := _render(op, own)):
            closest = max(mended, key=lambda each: _closeness(op, each))
            written.setdefault(closest.key, []).append(text)
    return {key: "\n".join(texts) for key, texts in written.items()}


def _narrowed(given: Mapping[str, Any], tables: Collection[tuple[str, str]], default_schema: str) -> dict[str, Any]:
    """Keep autogenerate from reflecting, table by table, what is known to be equal."""
    theirs_by_name, theirs_by_object = given.get("include_name"), given.get("include_object")

    def is_wanted(schema: str | None, name: str) -> bool:
        return ("" if schema in {None, default_schema} else schema, name) in tables

    def include_name(name: str, type_: str, parents: Any) -> bool:
        if type_ == "table" and not is_wanted(parents["schema_name"], name):
            return False
        return theirs_by_name is None or theirs_by_name(name, type_, parents)

    def include_object(item: Any, name: str, type_: str, *rest: Any) -> bool:
        if type_ == "table" and not is_wanted(item.schema, name):
            return False
        return theirs_by_object is None or theirs_by_object(item, name, type_, *rest)

    return {"include_name": include_name, "include_object": include_object}


def _found(context: MigrationContext, metadata: tuple[MetaData, ...]) -> list[ops.MigrateOperation]:
    """Give autogenerate's operations; without those for server defaults where it trips over one of them.

    It asks the server whether two defaults are equal by a query of its own, which an apostrophe in one of them breaks.
    """
    assert context.connection is not None  # it compares with a database
    try:
        with context.connection.begin_nested():
            return list(_produce(context, metadata))
    except SQLAlchemyError:
        options = {**context.opts, "compare_server_default": False}
        return list(_produce(MigrationContext.configure(connection=context.connection, opts=options), metadata))


def _produce(context: MigrationContext, metadata: tuple[MetaData, ...]) -> Iterator[ops.MigrateOperation]:
    """Give autogenerate's operations one by one; those on a table's members as such, wherever they stand."""
    with _quiet():
        script = produce_migrations(context, list(metadata))  # type: ignore[arg-type]  # takes a list as env.py may
    for op in (each for upgrade in script.upgrade_ops_list for each in upgrade.ops):
        if isinstance(op, ops.ModifyTableOps):
            yield from op.ops
        else:
            yield op


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what autogenerate detects, and what it cannot reflect, from being logged as if somebody had asked for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _mends(op: Any, difference: Difference, default_schema: str) -> bool:
    """Tell whether an operation is about the object of a difference."""
    key = difference.key
    table = getattr(op, "table_name", None) or getattr(op, "source_table", None)
    schema = getattr(op, "schema", None) or getattr(op, "source_schema", None) or ""
    if (table, "" if schema == default_schema else schema) != (key.parent or key.name, key.schema):
        return False
    if key.kind == "table":
        return isinstance(op, OF_TABLES) or (
            difference.change is Change.UNEXPECTED and isinstance(op, ops.CreateIndexOp)
        )
    if key.kind in {"column", "sequence"}:
        column = getattr(op, "column_name", None) or getattr(getattr(op, "column", None), "name", None)
        return column == key.name
    if isinstance(op, {Change.MISSING: CREATES, Change.UNEXPECTED: DROPS}.get(difference.change, ())):
        return False
    names = {key.name, difference.after if difference.change is Change.RENAMED else key.name}
    return _name_of(op) in names or (_name_of(op) is None and _kind_of(op) == key.kind)


def _closeness(op: Any, difference: Difference) -> tuple[bool, bool]:
    """Tell how well an operation fits a difference, where it fits several: it is to be written once."""
    name = difference.key.name
    columns = [*(getattr(op, "local_cols", None) or getattr(op, "columns", None) or ())]
    return _name_of(op) == name or difference.key.kind == "column", all(str(each) in name for each in columns)


def _name_of(op: Any) -> str | None:
    if isinstance(op, (ops.CreateIndexOp, ops.DropIndexOp)):
        return op.index_name
    return getattr(op, "constraint_name", None)


def _kind_of(op: Any) -> str | None:
    """Tell which kind of constraint an operation makes."""
    kinds = {ops.CreateUniqueConstraintOp: "unique constraint", ops.CreateForeignKeyOp: "foreign key"}
    return kinds.get(type(op)) if not isinstance(op, OF_TABLES) else None


def _render(op: ops.MigrateOperation, context: MigrationContext) -> str:
    """Write one operation as autogenerate would, with what `env.py` says of that."""
    options: Mapping[str, Any] = {name: context.opts[name] for name in RENDERED if context.opts.get(name)}
    table, schema = getattr(op, "table_name", ""), getattr(op, "schema", None)
    if not isinstance(op, OF_TABLES):
        op = ops.ModifyTableOps(table or getattr(op, "source_table", ""), [op], schema=schema)
    with _quiet():
        text = render_python_code(ops.UpgradeOps([op]), migration_context=context, **options)
    return dedent("\n".join(line for line in text.splitlines() if not line.lstrip().startswith("# ###")))
