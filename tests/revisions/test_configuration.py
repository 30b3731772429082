"""Alembic's configuration: every way of writing it that works, and a finding with file and line where it does not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from alembic import __version__
from alembic.config import Config
from alembic.script import ScriptDirectory

from pytest_stairway.exceptions import HistoryUnusable
from pytest_stairway.revisions import load_history

if TYPE_CHECKING:
    from conftest import Project
    from pytest_stairway.findings import Finding

READS_TOML = tuple(map(int, __version__.split(".")[:2])) >= (1, 16)
toml_only = pytest.mark.skipif(not READS_TOML, reason="Alembic reads pyproject.toml since 1.16")


def environment_fault(project: Project, name: str = "alembic.ini", **arguments: object) -> Finding:
    """Load a configuration that must not work; see that Alembic agrees."""
    with pytest.raises(HistoryUnusable) as caught:
        load_history(project.root / name, **arguments)  # type: ignore[arg-type]
    [finding] = caught.value.findings
    assert finding.code == "environment-failed"
    assert finding.path == name
    return finding


def test_ini_is_found_from_any_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add("a1")
    monkeypatch.chdir("/")
    assert project.load().heads == ("a1",)


def test_another_section(project: Project) -> None:
    project.add("a1", folder="other/versions")
    project.write("other/env.py", "")
    project.write("alembic.ini", "[alembic]\nscript_location = nowhere\n[two]\nscript_location = %(here)s/other\n")
    history = project.load(section="two")
    assert history.heads == ("a1",)
    assert history.config.config_ini_section == "two"


def test_x_arguments_are_where_env_py_looks(project: Project) -> None:
    options = project.load(x_arguments=["tenant=blue", "-dry"]).config.cmd_opts
    assert options is not None
    assert options.x == ["tenant=blue", "-dry"]
    assert project.load().config.cmd_opts.x is None  # type: ignore[union-attr]


@toml_only
def test_pyproject(project: Project) -> None:
    project.config.unlink()
    project.chain("a1", "a2", folder="one")
    project.chain("b1", "b2", folder="two/deep")
    project.write(
        "pyproject.toml",
        "[project]\nname = 'blog'\n[tool.alembic]\nscript_location = '%(here)s/migrations'\n"
        "version_locations = ['%(here)s/one', '%(here)s/two']\nrecursive_version_locations = true\n"
        "prepend_sys_path = ['.']\n[[tool.alembic.post_write_hooks]]\nname = 'x'\ntype = 'exec'\n",
    )
    history = load_history(project.root / "pyproject.toml")
    assert [each.revision for each in history.revisions] == ["a1", "a2", "b1", "b2"]
    assert history.config.config_file_name is None


@toml_only
@pytest.mark.parametrize("name", ["alembic.ini", "pyproject.toml"])
def test_both_files_of_alembics_pyproject_template(project: Project, name: str) -> None:
    """The ini file has the URL and the logging there, pyproject.toml the rest."""
    project.add("a1")
    project.write("alembic.ini", "[alembic]\nsqlalchemy.url = sqlite://\n")
    project.write("pyproject.toml", "[tool.alembic]\nscript_location = '%(here)s/migrations'\n")
    history = load_history(project.root / name)
    assert history.heads == ("a1",)
    assert history.config.get_main_option("sqlalchemy.url") == "sqlite://"
    assert history.config.config_file_name == str(project.config)


def test_a_pyproject_without_alembic_does_not_matter(project: Project) -> None:
    project.add("a1")
    project.write("pyproject.toml", "[project]\nname = 'blog'\n")
    assert project.load().heads == ("a1",)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("separator", [{}, {"version_path_separator": "os"}, {"path_separator": "newline"}])
def test_older_spellings_raise_no_warnings(project: Project, separator: dict[str, str]) -> None:
    project.add("a1")
    here = "%(here)s/migrations/versions"
    lines = [f"{name} = {value}" for name, value in separator.items()]
    project.write(
        "alembic.ini",
        "\n".join(["[alembic]", "script_location = %(here)s/migrations", f"version_locations = {here}", *lines, ""]),
    )
    if "path_separator" in separator and not READS_TOML:
        pytest.skip("Alembic knows path_separator since 1.16")
    assert project.load().heads == ("a1",)


def test_no_file(project: Project) -> None:
    finding = environment_fault(project, "missing.ini")
    assert finding.message == f"there is no Alembic configuration {project.root / 'missing.ini'}"
    assert finding.hint is not None
    assert "--stairway-config" in finding.hint


def test_a_folder_is_no_file(project: Project) -> None:
    assert "there is no Alembic configuration" in environment_fault(project, "migrations").message


def test_no_section(project: Project) -> None:
    project.write("alembic.ini", "[alembik]\nscript_location = migrations\n[loggers]\n")
    finding = environment_fault(project)
    assert finding.message == "alembic.ini has no [alembic] section; there are [alembik], [loggers]"
    assert "has no [two] section" in environment_fault(project, section="two").message


@toml_only
def test_no_table(project: Project) -> None:
    project.config.unlink()
    project.write("pyproject.toml", "[project]\nname = 'blog'\n")
    assert environment_fault(project, "pyproject.toml").message == "pyproject.toml has no [tool.alembic] section"


@pytest.mark.skipif(READS_TOML, reason="this Alembic does")
def test_an_alembic_that_reads_no_toml(project: Project) -> None:
    project.write("pyproject.toml", "[tool.alembic]\n")
    assert "since 1.16" in (environment_fault(project, "pyproject.toml").hint or "")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("script_location = x\n", 1),
        ("[alembic]\nscript_location = x\nscript_location = y\n", 3),
        ("[alembic]\n[loggers]\n[alembic]\n", 3),
        ("[alembic]\n= x\n", 2),
    ],
)
def test_ini_that_cannot_be_read(project: Project, text: str, line: int) -> None:
    project.write("alembic.ini", text)
    finding = environment_fault(project)
    assert finding.message.startswith("alembic.ini cannot be read: ")
    assert finding.line == line


@toml_only
def test_toml_that_cannot_be_read(project: Project) -> None:
    project.config.unlink()
    project.write("pyproject.toml", "[tool.alembic]\nscript_location = migrations\n")
    finding = environment_fault(project, "pyproject.toml")
    assert finding.message.startswith("pyproject.toml cannot be read: ")
    assert "line 2" in finding.message


def test_no_script_location(project: Project) -> None:
    project.ini(None)
    finding = environment_fault(project)
    assert (finding.message, finding.line) == ("alembic.ini says no script_location", 2)
    assert "script_location = %(here)s/migrations" in (finding.hint or "")


@toml_only
def test_no_script_location_in_toml(project: Project) -> None:
    project.config.unlink()
    project.write("pyproject.toml", "\n[tool.alembic]\nprepend_sys_path = ['.']\n")
    finding = environment_fault(project, "pyproject.toml")
    assert (finding.message, finding.line) == ("pyproject.toml says no script_location", 2)


def test_script_location_that_does_not_exist(project: Project) -> None:
    project.ini("%(here)s/migration")
    finding = environment_fault(project)
    assert f"there is no folder {project.root / 'migration'}" in finding.message
    assert finding.line == 3


def test_script_location_that_is_a_file(project: Project) -> None:
    project.ini("%(here)s/alembic.ini")
    assert "there is no folder" in environment_fault(project).message


def test_relative_script_location_from_another_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add("a1")
    project.ini("migrations")
    assert project.load().heads == ("a1",)
    monkeypatch.chdir(project.versions)
    [finding] = project.faults()
    assert "there is no folder" in finding.message
    assert "Write script_location = %(here)s/migrations" in (finding.hint or "")


def test_script_location_in_a_package_that_is_not_there(project: Project) -> None:
    project.ini("no_such_package:migrations")
    finding = environment_fault(project)
    assert "names a package that cannot be imported: No module named 'no_such_package'" in finding.message
    assert finding.line == 3


def test_no_env_py(project: Project) -> None:
    project.ini("%(here)s/migrations/versions")
    finding = environment_fault(project)
    assert finding.message.endswith("has no env.py in it")
    assert finding.line == 3


@pytest.mark.parametrize(
    ("options", "says", "line"),
    [
        ({"file_template": "%(year)d_%(rev)s"}, "file_template", 5),
        ({"truncate_slug_length": "long"}, "truncate_slug_length", 5),
        ({"script_location": "%(hear)s/migrations"}, "script_location", 3),
    ],
)
def test_option_that_cannot_be_used(project: Project, options: dict[str, str], says: str, line: int) -> None:
    project.ini(**options)
    finding = environment_fault(project)
    assert finding.message.startswith(f"alembic.ini cannot be used: {says}: ")
    assert finding.line == line


@pytest.mark.parametrize("option", ["path_separator", "version_path_separator"])
def test_unknown_separator(project: Project, option: str) -> None:
    if option == "path_separator" and not READS_TOML:
        pytest.skip("Alembic knows path_separator since 1.16")
    project.write(
        "alembic.ini",
        f"[alembic]\nscript_location = %(here)s/migrations\nversion_locations = a\n{option} = comma\n",
    )
    finding = environment_fault(project)
    assert finding.message.startswith(f"alembic.ini cannot be used: {option}: 'comma' is not a valid value")
    assert finding.line == 4


def write_locations(project: Project, locations: str, **options: str) -> None:
    lines = [f"{name} = {value}" for name, value in options.items()]
    project.write(
        "alembic.ini",
        "\n".join(
            ["[alembic]", "script_location = %(here)s/migrations", *lines, f"version_locations = {locations}", ""]
        ),
    )


def test_separator_that_stands_in_a_path(project: Project) -> None:
    """The mistake that tutorials teach: a colon where a path has one."""
    project.add("a1", folder="blog:versions")
    write_locations(project, "%(here)s/blog:versions", version_path_separator=":")
    finding = environment_fault(project)
    assert "version_path_separator = :, and that splits" in finding.message
    assert f"'{project.root}/blog:versions', which exists" in finding.message
    assert finding.line == 3
    write_locations(project, "%(here)s/blog:versions", version_path_separator=";")
    assert project.load().heads == ("a1",)


def test_separator_that_stands_in_a_package_resource(project: Project) -> None:
    project.write("blog/__init__.py", "")
    project.add("a1", folder="blog/versions")
    write_locations(project, "blog:versions", version_path_separator=":", prepend_sys_path="%(here)s")
    assert "splits 'blog:versions'" in environment_fault(project).message
    write_locations(project, "blog:versions", version_path_separator="space", prepend_sys_path="%(here)s")
    assert project.load().heads == ("a1",)


def test_no_separator_and_a_space_in_a_path(project: Project) -> None:
    project.add("a1", folder="my versions")
    write_locations(project, "%(here)s/my versions")
    finding = environment_fault(project)
    assert "no path_separator is set" in finding.message
    assert finding.line == 3


@pytest.mark.parametrize(("between", "name"), [(" ", "a space"), (";", "';'"), (", ", "a comma")])
def test_locations_that_stay_in_one_piece(project: Project, between: str, name: str) -> None:
    project.add("a1", folder="one")
    project.add("b1", folder="two")
    write_locations(project, f"%(here)s/one{between}%(here)s/two", version_path_separator="os")
    finding = environment_fault(project)
    assert "which would be 2 folders if" in finding.message
    assert name.strip("'") in finding.message


def test_a_colon_that_stays_in_one_piece(project: Project) -> None:
    project.add("a1", folder="one")
    project.add("b1", folder="two")
    write_locations(project, "one:two", version_path_separator=";")
    assert "which would be 2 folders if :" in environment_fault(project).message


@pytest.mark.parametrize(("separator", "between"), [(":", ":"), (";", ";"), ("space", " "), ("os", os.pathsep)])
def test_separators_that_are_right(project: Project, separator: str, between: str) -> None:
    project.add("a1", folder="one")
    project.add("b1", folder="two")
    write_locations(project, between.join(["%(here)s/one", "%(here)s/two"]), version_path_separator=separator)
    assert project.load().heads == ("a1", "b1")


def test_alembic_has_not_grown_another_way_to_its_objects(project: Project) -> None:
    """We put our own map in place of Alembic's: fail loudly when that no longer is where it looks."""
    project.add("a1")
    history = project.load()
    script = ScriptDirectory.from_config(Config(str(project.config)))
    assert type(script.revision_map) is type(history.script.revision_map)
    assert history.script.get_revision("a1") is history.script.revision_map.get_revision("a1")
