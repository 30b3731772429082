"""What a history of the gauntlet is: plain data, and how it is written to a folder.

A history is told as briefly as it can be read: each revision by the lines of its `upgrade()` and `downgrade()`, the ini
file and `env.py` only where they differ from the plain ones below.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from textwrap import dedent, indent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["PREVIOUS", "Case", "Expected", "Rev", "sql", "table", "write"]

PREVIOUS = "the previous one"
"""`Rev.down_revision` unless said otherwise: the revision that stands before it in its case; a base when it is the first."""

Expected = dict[tuple[str, str | None], str]
"""(code, revision) to what the finding must name; the revision is None where the history as a whole is meant."""

URLS = {
    "postgresql": "postgresql+psycopg://app:secret@db.invalid/app",
    "sqlite": "sqlite:///%(here)s/app.db",
    "mysql": "mysql+pymysql://app:secret@db.invalid/app",
}
"""What the ini files name, a dialect; nothing may ever be connected to it."""


@dataclass(frozen=True, slots=True)
class Rev:
    """One revision file."""

    revision: str
    up: str = "pass"
    """The lines of `upgrade()`."""
    down: str = "pass"
    """The lines of `downgrade()`."""
    _: KW_ONLY
    down_revision: str | Sequence[str] | None = PREVIOUS
    depends_on: str | None = None
    branch_labels: str | None = None
    head: str = ""
    """Lines between the imports and the identifiers."""
    file: str | None = None
    """The file's name without `.py`; the id unless given."""
    text: str | None = None
    """The whole file as it stands, where the mistake is in its form."""


@dataclass(frozen=True, slots=True)
class Case:
    """One history, and exactly what must be found in it: nothing for a sound one."""

    name: str
    says: str
    """The mistake as it happens in real life, or what makes a sound one look suspicious: a row of the README's table."""
    revisions: Sequence[Rev]
    expect: Mapping[tuple[str, str | None], str] = field(default_factory=dict)
    """All errors and warnings: see `Expected`."""
    _: KW_ONLY
    hint: str = ""
    """What the remedy of one of them says, where the mistake has one of its own."""
    dialect: str = "postgresql"
    only: str | None = None
    """``mariadb`` or ``mysql``, where the other one has nothing of the kind."""
    ini: Mapping[str, str | None] = field(default_factory=dict)
    """Keys of `[alembic]` that differ; None leaves a key out."""
    logging: str = ""
    """The ini file's logging sections."""
    env: str | None = None
    """The whole `env.py`, where it is not the plain one."""
    env_head: str = ""
    """Lines of `env.py` before anything is configured."""
    configure: str = ""
    """More arguments of `context.configure()`."""
    files: Mapping[str, str] = field(default_factory=dict)
    """More files of the project, by their path."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Our own options, by their ini name."""
    models_only: bool = False
    """Compare the models, and walk nothing: the way up and down is not what the case is about."""
    needs: str | None = None
    """The check that finds it, where the walk does not; such a case waits for that check."""


def sql(statement: str) -> str:
    """Render the line of a migration that executes `statement`."""
    return f'op.execute("""{dedent(statement).strip()}""")'


def table(revision: str, name: str, *columns: str, down_revision: str | None = PREVIOUS) -> Rev:
    """Make a sound revision that creates a table."""
    create = sql("\n".join([f"CREATE TABLE {name} (", ",\n".join(f"    {column}" for column in columns), ")"]))
    return Rev(revision, create, f'op.drop_table("{name}")', down_revision=down_revision)


def write(case: Case, folder: Path, *, url: str | None = None) -> Path:
    """Write the project of `case` into `folder`.

    Args:
        case: the history.
        folder: an empty folder.
        url: what the ini file names instead of the usual unreachable database.

    Returns:
        The ini file.
    """
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    previous = None
    for revision in case.revisions:
        down_revision = previous if revision.down_revision == PREVIOUS else revision.down_revision
        path = versions / f"{revision.file or revision.revision}.py"
        path.write_text(revision.text or _revision(revision, down_revision), encoding="utf-8")
        previous = revision.revision
    (folder / "migrations" / "env.py").write_text(case.env or _env(case), encoding="utf-8")
    for name, text in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    ini = folder / "alembic.ini"
    ini.write_text(_ini(case, url or URLS[case.dialect]), encoding="utf-8")
    return ini


def _ini(case: Case, url: str) -> str:
    keys = {"script_location": "%(here)s/migrations", "path_separator": "os", "sqlalchemy.url": url, **case.ini}
    lines = [f"{key} = {value}" for key, value in keys.items() if value is not None]
    return "\n".join(["[alembic]", *lines, "", dedent(case.logging).strip(), ""])


ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
target_metadata = None
{head}
engine = engine_from_config(config.get_section(config.config_ini_section, {{}}), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=target_metadata, {configure})
    with context.begin_transaction():
        context.run_migrations()
"""


def _env(case: Case) -> str:
    return ENV.format(head=dedent(case.env_head).strip(), configure=case.configure)


REVISION = '''\
"""{revision}"""

import sqlalchemy as sa
from alembic import op
{head}
revision = {revision!r}
down_revision = {down_revision!r}
branch_labels = {branch_labels!r}
depends_on = {depends_on!r}


def upgrade():
{up}


def downgrade():
{down}
'''


def _revision(revision: Rev, down_revision: str | Sequence[str] | None) -> str:
    return REVISION.format(
        revision=revision.revision,
        head=dedent(revision.head),
        down_revision=down_revision,
        branch_labels=revision.branch_labels,
        depends_on=revision.depends_on,
        up=indent(dedent(revision.up).strip(), " " * 4),
        down=indent(dedent(revision.down).strip(), " " * 4),
    )
