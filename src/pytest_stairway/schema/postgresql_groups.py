"""The statements that read what hangs on no relation: types, functions, schemas and the rarer kinds.

They are few in most databases, so they are read by the group: where one of the catalogs that feed a group moved, the
group is read again as a whole.  Each branch yields rows of one shape: kind, oid, schema, name, parent, and texts of
which `FACTS` tells the names.  What is said of placeholders in `postgresql_relations` holds here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stairway.schema.postgresql_privileges import PRIVILEGES
from pytest_stairway.schema.postgresql_relations import acl, comment

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FACTS", "GROUPS", "Group"]

_COMMON = ("owner", "comment", PRIVILEGES)

FACTS: dict[str, tuple[str, ...]] = {
    "enum type": (*_COMMON, "values"),
    "domain": (*_COMMON, "type", "nullability", "default", "collation"),
    "check constraint": ("comment", "definition"),
    "range type": (*_COMMON, "subtype", "operator class", "collation", "canonical", "difference", "multirange type"),
    "type": (*_COMMON, "definition"),
    "function": (*_COMMON, "definition"),
    "procedure": (*_COMMON, "definition"),
    "aggregate": (*_COMMON, "definition"),
    "schema": _COMMON,
    "database": _COMMON,
    "settings": ("values",),
    "extension": ("comment", "version", "schema"),
    "event trigger": ("owner", "comment", "definition", "firing"),
    "default privileges": (PRIVILEGES,),
    "statistics": ("owner", "comment", "definition", "target"),
    "cast": ("comment", "definition"),
    "operator": ("owner", "comment", "definition"),
    "operator class": ("owner", "comment", "definition"),
    "operator family": ("owner", "comment", "members"),
    "collation": ("owner", "comment", "definition"),
    "conversion": ("owner", "comment", "definition"),
    "text search configuration": ("owner", "comment", "parser", "mappings"),
    "text search dictionary": ("owner", "comment", "definition"),
    "text search parser": ("comment", "definition"),
    "text search template": ("comment", "definition"),
    "language": (*_COMMON, "definition"),
    "foreign-data wrapper": (*_COMMON, "definition"),
    "server": (*_COMMON, "definition"),
    "user mapping": ("options",),
    "publication": ("owner", "comment", "definition", "tables", "schemas"),
    "subscription": ("owner", "definition"),
    "access method": ("comment", "definition"),
    "transform": ("comment", "definition"),
}
"""By kind: the names of the texts that its rows carry, in order."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some kinds that are read together."""

    name: str
    feeds: frozenset[str]
    """The catalogs whose rows it shows, comments aside."""
    statement: Callable[[int], str]
    """Writes the statement that reads it, for a server's version."""
    presence: str
    """The condition that there may be something to read."""


def _theirs(catalog: str, oid: str) -> str:
    """Write the condition that an object is a user's.

    That is: made after the cluster was, no extension's member, and not made by the server with another object (as the
    functions of a range type).
    """
    return f"""{oid} >= 16384 AND (SELECT 1 FROM pg_depend e WHERE e.classid = '{catalog}'::regclass
 AND e.objid = {oid} AND e.objsubid = 0 AND e.deptype IN ('e', 'i') LIMIT 1) IS NULL"""


def _common(catalog: str, oid: str, owner: str, privileges: str | None = None, kind: str = "") -> str:
    """Write the texts of `_COMMON`, or without privileges those of owner and comment."""
    texts = [f"pg_get_userbyid({owner})::text", comment(catalog, oid)]
    if privileges is not None:
        texts.append(acl(privileges, f"'{kind}'", owner))
    return ", ".join(texts)


def _json(alias: str, *without: str) -> str:
    """Write the expression for a catalog row as text; what its columns are depends on the server's version."""
    return "(" + " - ".join((f"to_jsonb({alias})", *(f"'{column}'" for column in without))) + ")::text"


def _types(version: int) -> str:
    ranges = "r.rngmultitypid::regtype::text" if version >= 140000 else "NULL"  # noqa: PLR2004 - as the server writes it
    mine = f"JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {_theirs('pg_type', 't.oid')}"
    return f"""
SELECT 'enum type', t.oid::int8, n.nspname::text, t.typname::text, '', ARRAY[
 {_common("pg_type", "t.oid", "t.typowner", "t.typacl", "T")},
 (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e
  WHERE e.enumtypid = t.oid)]
FROM pg_type t {mine} AND t.typtype = 'e'
UNION ALL SELECT 'domain', t.oid::int8, n.nspname::text, t.typname::text, '', ARRAY[
 {_common("pg_type", "t.oid", "t.typowner", "t.typacl", "T")},
 format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN 'NOT NULL' ELSE 'nullable' END,
 pg_get_expr(t.typdefaultbin, 0),
 (SELECT t.typcollation::regcollation::text FROM pg_type b WHERE b.oid = t.typbasetype
  AND b.typcollation <> t.typcollation)]
FROM pg_type t {mine} AND t.typtype = 'd'
UNION ALL SELECT 'check constraint', k.oid::int8, n.nspname::text, k.conname::text, t.typname::text, ARRAY[
 {comment("pg_constraint", "k.oid")}, pg_get_constraintdef(k.oid)]
FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid {mine} AND k.contype = 'c'
UNION ALL SELECT 'range type', t.oid::int8, n.nspname::text, t.typname::text, '', ARRAY[
 {_common("pg_type", "t.oid", "t.typowner", "t.typacl", "T")},
 format_type(r.rngsubtype, NULL), o.opcname::text,
 nullif(r.rngcollation, 0)::regcollation::text, nullif(r.rngcanonical::oid, 0)::regproc::text,
 nullif(r.rngsubdiff::oid, 0)::regproc::text, {ranges}]
FROM pg_range r JOIN pg_opclass o ON o.oid = r.rngsubopc JOIN pg_type t ON t.oid = r.rngtypid {mine}
UNION ALL SELECT 'type', t.oid::int8, n.nspname::text, t.typname::text, '', ARRAY[
 {_common("pg_type", "t.oid", "t.typowner", "t.typacl", "T")},
 {
        _json(
            "t",
            "oid",
            "typname",
            "typnamespace",
            "typowner",
            "typacl",
            "typarray",
            "typrelid",
            "typelem",
            "typbasetype",
            "typcollation",
            "typdefaultbin",
        )
    }]
FROM pg_type t {mine} AND t.typtype IN ('b', 'p') AND NOT EXISTS (SELECT FROM pg_type a WHERE a.typarray = t.oid)"""


def _functions(_: int) -> str:
    return f"""
SELECT CASE p.prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure' ELSE 'function' END,
 p.oid::int8, n.nspname::text, p.proname || '(' || oidvectortypes(p.proargtypes) || ')', '', ARRAY[
 {_common("pg_proc", "p.oid", "p.proowner", "p.proacl", "f")},
 CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE (
  SELECT concat_ws(' ', pg_get_function_arguments(p.oid), 'RETURNS', pg_get_function_result(p.oid),
  p.proparallel, format_type(g.aggtranstype, NULL), format_type(nullif(g.aggmtranstype, 0), NULL),
  to_jsonb(g) - 'aggfnoid' - 'aggtranstype' - 'aggmtranstype' - 'aggsortop', nullif(g.aggsortop, 0)::regoperator)
  FROM pg_aggregate g WHERE g.aggfnoid = p.oid) END]
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {_theirs("pg_proc", "p.oid")} AND n.oid <> 'pg_catalog'::regnamespace AND n.nspname !~ '^pg_(temp|toast)'"""


def _schemas(_: int) -> str:
    kinds = "CASE d.defaclobjtype WHEN 'S' THEN 's'::\"char\" ELSE d.defaclobjtype END"
    return f"""
SELECT 'schema', n.oid::int8, '', n.nspname::text, '', ARRAY[
 {_common("pg_namespace", "n.oid", "n.nspowner", "n.nspacl", "n")}]
FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 AND (n.oid < 16384 OR {_theirs("pg_namespace", "n.oid")})
UNION ALL SELECT 'database', d.oid::int8, '', 'itself', '', ARRAY[
 pg_get_userbyid(d.datdba)::text, shobj_description(d.oid, 'pg_database'), {acl("d.datacl", "'d'", "d.datdba")}]
FROM pg_database d WHERE d.datname = current_database()
UNION ALL SELECT 'settings', s.setrole::int8, '', coalesce('of role ' || pg_get_userbyid(nullif(s.setrole, 0)),
 'of the database'), '', ARRAY[array_to_string(s.setconfig, ', ')]
FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()
UNION ALL SELECT 'extension', x.oid::int8, '', x.extname::text, '', ARRAY[
 {comment("pg_extension", "x.oid")}, x.extversion, x.extnamespace::regnamespace::text]
FROM pg_extension x
UNION ALL SELECT 'event trigger', v.oid::int8, '', v.evtname::text, '', ARRAY[
 {_common("pg_event_trigger", "v.oid", "v.evtowner")},
 'ON ' || v.evtevent || coalesce(' WHEN TAG IN (' || array_to_string(v.evttags, ', ') || ')', '')
 || ' EXECUTE FUNCTION ' || v.evtfoid::regproc, v.evtenabled::text]
FROM pg_event_trigger v WHERE {_theirs("pg_event_trigger", "v.oid")}
UNION ALL SELECT 'default privileges', d.oid::int8, '', 'of ' || pg_get_userbyid(d.defaclrole)
 || coalesce(' in schema ' || nullif(d.defaclnamespace, 0)::regnamespace, '') || ' on ' || CASE d.defaclobjtype
 WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
 WHEN 'n' THEN 'schemas' ELSE 'large objects' END, '', ARRAY[
 CASE WHEN d.defaclnamespace = 0 THEN {acl("d.defaclacl", kinds, "d.defaclrole")}
 ELSE array_to_string(d.defaclacl, chr(31)) || chr(30) END]
FROM pg_default_acl d"""


def _statistics(_: int) -> str:
    return f"""
SELECT 'statistics', s.oid::int8, n.nspname::text,
 CASE WHEN s.stxnamespace = c.relnamespace THEN '' ELSE s.stxnamespace::regnamespace || '.' END || s.stxname,
 c.relname::text, ARRAY[{_common("pg_statistic_ext", "s.oid", "s.stxowner")},
 pg_get_statisticsobjdef(s.oid), CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::text END]
FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_theirs("pg_statistic_ext", "s.oid")}"""


def _operators(_: int) -> str:
    members = """SELECT string_agg(x, ', ' ORDER BY x) FROM (
 SELECT concat_ws(' ', 'operator', o.amopstrategy, o.amopopr::regoperator, o.amoppurpose,
  (SELECT s.opfname FROM pg_opfamily s WHERE s.oid = o.amopsortfamily)) AS x FROM pg_amop o WHERE o.amopfamily = f.oid
 UNION ALL SELECT 'function ' || p.amprocnum || ' (' || format_type(p.amproclefttype, NULL) || ', '
  || format_type(p.amprocrighttype, NULL) || ') ' || p.amproc::regprocedure FROM pg_amproc p
 WHERE p.amprocfamily = f.oid) m"""
    return f"""
SELECT 'cast', c.oid::int8, '', '(' || format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL)
 || ')', '', ARRAY[{comment("pg_cast", "c.oid")},
 concat_ws(' ', c.castcontext, c.castmethod, nullif(c.castfunc, 0)::regprocedure)]
FROM pg_cast c WHERE {_theirs("pg_cast", "c.oid")}
UNION ALL SELECT 'operator', o.oid::int8, n.nspname::text, o.oprname || ' (' || coalesce(format_type(
 nullif(o.oprleft, 0), NULL), 'NONE') || ', ' || coalesce(format_type(nullif(o.oprright, 0), NULL),
 'NONE') || ')', '', ARRAY[
 {_common("pg_operator", "o.oid", "o.oprowner")},
 concat_ws(' ', format_type(o.oprresult, NULL), o.oprcode, 'commutator', nullif(o.oprcom, 0)::regoperator, 'negator',
 nullif(o.oprnegate, 0)::regoperator, 'restrict', o.oprrest, 'join', o.oprjoin, o.oprcanmerge, o.oprcanhash)]
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE {_theirs("pg_operator", "o.oid")}
UNION ALL SELECT 'operator class', c.oid::int8, n.nspname::text, c.opcname || ' using ' || m.amname, '', ARRAY[
 {_common("pg_opclass", "c.oid", "c.opcowner")},
 concat_ws(' ', format_type(c.opcintype, NULL), c.opcdefault, f.opfname, nullif(c.opckeytype, 0)::regtype)]
FROM pg_opclass c JOIN pg_namespace n ON n.oid = c.opcnamespace JOIN pg_am m ON m.oid = c.opcmethod
JOIN pg_opfamily f ON f.oid = c.opcfamily WHERE {_theirs("pg_opclass", "c.oid")}
UNION ALL SELECT 'operator family', f.oid::int8, n.nspname::text, f.opfname || ' using ' || m.amname, '', ARRAY[
 {_common("pg_opfamily", "f.oid", "f.opfowner")}, ({members})]
FROM pg_opfamily f JOIN pg_namespace n ON n.oid = f.opfnamespace JOIN pg_am m ON m.oid = f.opfmethod
WHERE {_theirs("pg_opfamily", "f.oid")}"""


def _texts(_: int) -> str:
    mappings = """SELECT string_agg(m.maptokentype || ' ' || m.mapseqno || ' ' || m.mapdict::regdictionary, ', '
 ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = c.oid"""
    return f"""
SELECT 'collation', c.oid::int8, n.nspname::text, c.collname::text, '', ARRAY[
 {_common("pg_collation", "c.oid", "c.collowner")}, {_json("c", "oid", "collname", "collnamespace", "collowner")}]
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE {_theirs("pg_collation", "c.oid")}
UNION ALL SELECT 'conversion', c.oid::int8, n.nspname::text, c.conname::text, '', ARRAY[
 {_common("pg_conversion", "c.oid", "c.conowner")}, {_json("c", "oid", "conname", "connamespace", "conowner")}]
FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE {_theirs("pg_conversion", "c.oid")}
UNION ALL SELECT 'text search configuration', c.oid::int8, n.nspname::text, c.cfgname::text, '', ARRAY[
 {_common("pg_ts_config", "c.oid", "c.cfgowner")},
 (SELECT s.nspname || '.' || p.prsname FROM pg_ts_parser p JOIN pg_namespace s ON s.oid = p.prsnamespace
  WHERE p.oid = c.cfgparser), ({mappings})]
FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace WHERE {_theirs("pg_ts_config", "c.oid")}
UNION ALL SELECT 'text search dictionary', d.oid::int8, n.nspname::text, d.dictname::text, '', ARRAY[
 {_common("pg_ts_dict", "d.oid", "d.dictowner")},
 s.nspname || '.' || t.tmplname || coalesce(' (' || d.dictinitoption || ')', '')]
FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace JOIN pg_ts_template t ON t.oid = d.dicttemplate
JOIN pg_namespace s ON s.oid = t.tmplnamespace WHERE {_theirs("pg_ts_dict", "d.oid")}
UNION ALL SELECT 'text search parser', p.oid::int8, n.nspname::text, p.prsname::text, '', ARRAY[
 {comment("pg_ts_parser", "p.oid")}, {_json("p", "oid", "prsname", "prsnamespace")}]
FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace WHERE {_theirs("pg_ts_parser", "p.oid")}
UNION ALL SELECT 'text search template', t.oid::int8, n.nspname::text, t.tmplname::text, '', ARRAY[
 {comment("pg_ts_template", "t.oid")}, {_json("t", "oid", "tmplname", "tmplnamespace")}]
FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace WHERE {_theirs("pg_ts_template", "t.oid")}"""


def _foreign(_: int) -> str:
    return f"""
SELECT 'language', l.oid::int8, '', l.lanname::text, '', ARRAY[
 {_common("pg_language", "l.oid", "l.lanowner", "l.lanacl", "l")},
 concat_ws(' ', l.lanpltrusted, l.lanplcallfoid::regproc, l.laninline::regproc, l.lanvalidator::regproc)]
FROM pg_language l WHERE {_theirs("pg_language", "l.oid")}
UNION ALL SELECT 'foreign-data wrapper', w.oid::int8, '', w.fdwname::text, '', ARRAY[
 {_common("pg_foreign_data_wrapper", "w.oid", "w.fdwowner", "w.fdwacl", "F")},
 concat_ws(' ', 'HANDLER', w.fdwhandler::regproc, 'VALIDATOR', w.fdwvalidator::regproc, 'OPTIONS',
 array_to_string(w.fdwoptions, ', '))]
FROM pg_foreign_data_wrapper w WHERE {_theirs("pg_foreign_data_wrapper", "w.oid")}
UNION ALL SELECT 'server', s.oid::int8, '', s.srvname::text, '', ARRAY[
 {_common("pg_foreign_server", "s.oid", "s.srvowner", "s.srvacl", "S")},
 concat_ws(' ', 'TYPE', s.srvtype, 'VERSION', s.srvversion, 'WRAPPER', w.fdwname, 'OPTIONS',
 array_to_string(s.srvoptions, ', '))]
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
 WHERE {_theirs("pg_foreign_server", "s.oid")}
UNION ALL SELECT 'user mapping', u.umid::int8, '', 'of ' || u.usename || ' for server ' || u.srvname, '', ARRAY[
 array_to_string(u.umoptions, ', ')]
FROM pg_user_mappings u
UNION ALL SELECT 'access method', a.oid::int8, '', a.amname::text, '', ARRAY[
 {comment("pg_am", "a.oid")}, concat_ws(' ', a.amtype, a.amhandler)]
FROM pg_am a WHERE {_theirs("pg_am", "a.oid")}
UNION ALL SELECT 'transform', f.oid::int8, '', format_type(f.trftype, NULL) || ' in ' || l.lanname, '', ARRAY[
 {comment("pg_transform", "f.oid")}, concat_ws(' ', f.trffromsql, f.trftosql)]
FROM pg_transform f JOIN pg_language l ON l.oid = f.trflang WHERE {_theirs("pg_transform", "f.oid")}"""


def _publications(version: int) -> str:
    details, schemas = "''", "NULL"
    if version >= 150000:  # noqa: PLR2004 - as the server writes it
        details = """coalesce(' (' || (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a
  WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) || ')', '')
  || coalesce(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), '')"""
        schemas = """(SELECT string_agg(s.pnnspid::regnamespace::text, ', ' ORDER BY s.pnnspid::regnamespace::text)
 FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)"""
    return f"""
SELECT 'publication', p.oid::int8, '', p.pubname::text, '', ARRAY[{_common("pg_publication", "p.oid", "p.pubowner")},
 {_json("p", "oid", "pubname", "pubowner")},
 (SELECT string_agg(r.prrelid::regclass || {details}, ', ' ORDER BY r.prrelid::regclass::text)
  FROM pg_publication_rel r WHERE r.prpubid = p.oid), {schemas}]
FROM pg_publication p
UNION ALL SELECT 'subscription', s.oid::int8, '', s.subname::text, '', ARRAY[pg_get_userbyid(s.subowner)::text,
 concat_ws(' ', s.subenabled, s.subslotname, s.subsynccommit, array_to_string(s.subpublications, ', '))]
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()"""


def _present(*catalogs: str) -> str:
    return " OR ".join(f"EXISTS (SELECT FROM {catalog} WHERE oid >= 16384)" for catalog in catalogs)


_TYPES_PRESENT = """EXISTS (SELECT FROM pg_type WHERE oid >= 16384 AND typrelid = 0
 AND (typcategory <> 'A' OR typarray <> 0))"""

GROUPS: tuple[Group, ...] = (
    Group("types", frozenset({"pg_type", "pg_enum", "pg_range"}), _types, _TYPES_PRESENT),
    Group("functions", frozenset({"pg_proc", "pg_aggregate"}), _functions, _present("pg_proc")),
    Group(
        "schemas",
        frozenset(
            {
                "pg_namespace",
                "pg_database",
                "pg_shdescription",
                "pg_db_role_setting",
                "pg_extension",
                "pg_event_trigger",
                "pg_default_acl",
            }
        ),
        _schemas,
        "true",
    ),
    Group("statistics", frozenset({"pg_statistic_ext"}), _statistics, _present("pg_statistic_ext")),
    Group(
        "operators",
        frozenset({"pg_cast", "pg_operator", "pg_opclass", "pg_opfamily", "pg_amop", "pg_amproc"}),
        _operators,
        _present("pg_cast", "pg_operator", "pg_opclass", "pg_opfamily"),
    ),
    Group(
        "text",
        frozenset(
            {
                "pg_collation",
                "pg_conversion",
                "pg_ts_config",
                "pg_ts_config_map",
                "pg_ts_dict",
                "pg_ts_parser",
                "pg_ts_template",
            }
        ),
        _texts,
        _present("pg_collation", "pg_conversion", "pg_ts_config", "pg_ts_dict", "pg_ts_parser", "pg_ts_template"),
    ),
    Group(
        "foreign",
        frozenset(
            {
                "pg_language",
                "pg_foreign_data_wrapper",
                "pg_foreign_server",
                "pg_user_mapping",
                "pg_am",
                "pg_transform",
            }
        ),
        _foreign,
        _present("pg_language", "pg_foreign_data_wrapper", "pg_foreign_server", "pg_am", "pg_transform"),
    ),
    Group(
        "publications",
        frozenset({"pg_publication", "pg_publication_rel", "pg_publication_namespace", "pg_subscription"}),
        _publications,
        _present("pg_publication", "pg_subscription"),
    ),
)
"""Every group."""
