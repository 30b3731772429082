"""The statement that reads relations (tables, views, sequences, composite types) with all that hangs on them.

It is one statement, because round trips and planning are what reading a little costs.  Each of its branches yields rows
of one shape: the relation, the branch's tag, a name, a number, and texts whose meaning `postgresql_render` knows.  A
branch that is not needed is left out, so there are some variants of the statement.

Names come from the server qualified, whatever the session's search path is, because it is empty meanwhile: what another
object is called is then the only thing outside of itself on which an object's text depends.

No statement here holds a percent sign, a question mark or a colon before a letter (but for casts), because some driver
reads each of them as a placeholder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stairway.schema.postgresql_counters import HELD, LOCKED
from pytest_stairway.schema.postgresql_settings import AT_ONCE, change, restore, set_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "TAGS",
    "VARIANTS",
    "WITH_COMMENTS",
    "acl",
    "all_relations",
    "comment",
    "relations_at_end",
    "some_relations",
]

TAGS: dict[str, frozenset[str]] = {
    "relation": frozenset({"pg_class", "pg_rewrite", "pg_partitioned_table"}),
    "inherits": frozenset({"pg_inherits"}),
    "column": frozenset({"pg_attribute"}),
    "default": frozenset({"pg_attrdef"}),
    "sequence": frozenset({"pg_sequence"}),
    "owner": frozenset({"pg_sequence"}),
    "constraint": frozenset({"pg_constraint"}),
    "index": frozenset({"pg_index"}),
    "attached": frozenset({"pg_inherits"}),
    "targets": frozenset(),
    "trigger": frozenset({"pg_trigger"}),
    "rule": frozenset({"pg_rewrite"}),
    "policy": frozenset({"pg_policy"}),
    "foreign": frozenset({"pg_foreign_table"}),
    "comment": frozenset({"pg_description"}),
    "member comment": frozenset(),
}
"""By tag: the catalogs that feed its branch.

What happens to an index as such feeds ``index`` and ``targets`` as well; comments on other members than indexes feed
``member comment``.
"""
VARIANTS = (
    ("relation", "column"),
    ("relation", "column", "default", "constraint"),
    ("relation", "column", "constraint", "index", "targets"),
    ("relation", "column", "default", "sequence", "owner", "constraint", "index", "targets"),
    ("relation", "column", "default", "sequence", "owner", "constraint", "index", "targets", "comment"),
    tuple(TAGS),
)
"""Which branches are read together: planning a variant takes longer than running one with some branches too many."""

WITH_COMMENTS = {
    "pg_constraint": "conrelid",
    "pg_trigger": "tgrelid",
    "pg_rewrite": "ev_class",
    "pg_policy": "polrelid",
}
"""The catalogs of a relation's members that can have comments, indexes aside, and where they name the relation."""

_FIRST_WITH_COMPRESSION = 140000

_AMONG = "= ANY ((SELECT oids FROM chosen)::oid[])"
_SHOWN = "c.oid >= 16384 AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND c.relpersistence <> 't'"
_OF_NO_EXTENSION = """(SELECT 1 FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid
 AND e.objsubid = 0 AND e.deptype = 'e' LIMIT 1) IS NULL"""
_NEW = "CASE WHEN age({}.xmin) <= age($2) THEN 'yes' END"
_FILLED = _NEW.format("c").replace("'yes'", "CASE WHEN pg_relation_size(c.oid) > 0 THEN 'filled' ELSE 'yes' END")


def acl(column: str, kind: str, owner: str) -> str:
    """Write the expression for a privilege list, and what it is by default; NULL where it is the default."""
    return (
        f"CASE WHEN {column} IS NOT NULL THEN array_to_string({column}, chr(31)) || chr(30)"
        f" || array_to_string(acldefault({kind}, {owner}), chr(31)) END"
    )


def comment(catalog: str, oid: str) -> str:
    """Write the expression for an object's comment."""
    return (
        f"(SELECT description FROM pg_catalog.pg_description WHERE objoid = {oid}"
        f" AND classoid = 'pg_catalog.{catalog}'::regclass AND objsubid = 0)"
    )


_RELACL = acl("c.relacl", "CASE c.relkind WHEN 'S' THEN 's'::pg_catalog.\"char\" ELSE 'r' END", "c.relowner")
_RELATIONS = f"""
SELECT c.oid::int8, 'relation', c.relname::text, c.relfilenode::int8, ARRAY[
 c.relnamespace::regnamespace::text, c.relkind::text, pg_get_userbyid(c.relowner)::text,
 CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'permanent' END,
 nullif(nullif(c.relam, 2), 0)::text, nullif(c.reltablespace, 0)::text, array_to_string(c.reloptions, ', '),
 CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN 'forced' WHEN c.relrowsecurity THEN 'enabled'
  WHEN c.relforcerowsecurity THEN 'forced but not enabled' END,
 CASE c.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'an index' END,
 CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
 CASE WHEN c.relkind = 'm' THEN CASE WHEN c.relispopulated THEN 'populated' ELSE 'not populated' END END,
 CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
 CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END,
 CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
 {_RELACL}, {_FILLED}]
FROM pg_catalog.pg_class c WHERE c.oid {_AMONG}"""

_INHERITS = f"""
SELECT i.inhrelid::int8, 'inherits', i.inhparent::regclass::text, i.inhseqno::int8, NULL
FROM pg_catalog.pg_inherits i WHERE i.inhrelid {_AMONG}"""


def _columns(version: int) -> str:
    compression = "nullif(a.attcompression, '')::text" if version >= _FIRST_WITH_COMPRESSION else "NULL"
    return f"""
SELECT a.attrelid::int8, 'column', a.attname::text, a.attnum::int8, ARRAY[
 format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' ELSE 'nullable' END,
 a.attidentity::text, a.attgenerated::text,
 CASE WHEN a.attcollation NOT IN (0, 100) THEN a.attcollation::regcollation::text END,
 a.attstorage::text, {compression}, CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END,
 array_to_string(a.attoptions, ', '), array_to_string(a.attfdwoptions, ', '),
 CASE WHEN a.attinhcount > 0 THEN a.attislocal::text END,
 {acl("a.attacl", "'c'", "10")}, {_NEW.format("a")}]
FROM pg_catalog.pg_attribute a WHERE a.attrelid {_AMONG} AND a.attnum > 0 AND NOT a.attisdropped"""


_DEFAULTS = f"""
SELECT d.adrelid::int8, 'default', '', d.adnum::int8, ARRAY[pg_get_expr(d.adbin, d.adrelid)]
FROM pg_catalog.pg_attrdef d WHERE d.adrelid {_AMONG}"""

_SEQUENCES = f"""
SELECT q.seqrelid::int8, 'sequence', q.seqrelid::regclass::text, 0, ARRAY[format_type(q.seqtypid, NULL),
 q.seqstart::text, q.seqincrement::text, q.seqmin::text, q.seqmax::text, q.seqcache::text, q.seqcycle::text]
FROM pg_catalog.pg_sequence q WHERE q.seqrelid {_AMONG}"""

_OWNERS = f"""
SELECT d.objid::int8, 'owner', d.deptype::text, d.refobjid::int8, ARRAY[d.refobjsubid::text]
FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid {_AMONG} AND d.objsubid = 0
AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')"""

_CONSTRAINTS = f"""
SELECT k.conrelid::int8, 'constraint', k.conname::text, k.oid::int8, ARRAY[
 k.contype::text, CASE WHEN k.contype <> 'n' THEN pg_get_constraintdef(k.oid) END, k.conkey[1]::text,
 CASE WHEN k.contype <> 'f' THEN k.conindid::text END,
 CASE WHEN k.connoinherit AND k.contype = 'n' THEN 'NO INHERIT' END,
 CASE WHEN NOT k.convalidated AND k.contype = 'n' THEN 'NOT VALID' END,
 CASE WHEN k.coninhcount > 0 THEN k.conislocal::text END]
FROM pg_catalog.pg_constraint k WHERE k.conrelid {_AMONG} AND k.contype IN ('p', 'u', 'c', 'f', 'x', 'n')"""

_INDEXES = f"""
SELECT i.indrelid::int8, 'index', x.relname::text, x.oid::int8, ARRAY[pg_get_indexdef(x.oid),
 CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN 'valid' ELSE 'invalid' END,
 CASE WHEN i.indisclustered THEN 'yes' END, CASE WHEN i.indisreplident THEN 'yes' END,
 array_to_string(x.reloptions, ', '), nullif(x.reltablespace, 0)::text]
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid {_AMONG}"""

_ATTACHED = f"""
SELECT i.indrelid::int8, 'attached', h.inhparent::regclass::text, i.indexrelid::int8, NULL
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid WHERE i.indrelid {_AMONG}"""

_TARGETS = f"""
SELECT i.indrelid::int8, 'targets', a.attnum || ' at ' || a.attstattarget, i.indexrelid::int8, NULL
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indexrelid AND a.attstattarget >= 0
WHERE i.indrelid {_AMONG}"""

_TRIGGERS = f"""
SELECT g.tgrelid::int8, 'trigger', g.tgname::text, g.oid::int8, ARRAY[pg_get_triggerdef(g.oid), g.tgenabled::text,
 CASE WHEN g.tgparentid <> 0 THEN 'yes' END]
FROM pg_catalog.pg_trigger g WHERE g.tgrelid {_AMONG} AND NOT g.tgisinternal"""

_RULES = f"""
SELECT r.ev_class::int8, 'rule', r.rulename::text, r.oid::int8,
 CASE WHEN r.rulename <> '_RETURN' THEN ARRAY[pg_get_ruledef(r.oid), r.ev_enabled::text] END
FROM pg_catalog.pg_rewrite r WHERE r.ev_class {_AMONG}
UNION ALL SELECT r.ev_class::int8, 'uses', '', d.refobjid::int8, NULL
FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass
 AND d.objid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass WHERE r.ev_class {_AMONG}"""

_POLICIES = f"""
SELECT p.polrelid::int8, 'policy', p.polname::text, p.oid::int8, ARRAY[p.polcmd::text, p.polpermissive::text,
 (SELECT string_agg(CASE WHEN o = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(o)::text END, ', ' ORDER BY o)
  FROM unnest(p.polroles) o),
 pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)]
FROM pg_catalog.pg_policy p WHERE p.polrelid {_AMONG}
UNION ALL SELECT p.polrelid::int8, 'policy uses', '', d.refobjid::int8, NULL
FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::regclass
 AND d.objid = p.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass WHERE p.polrelid {_AMONG}"""

_FOREIGN = f"""
SELECT f.ftrelid::int8, 'foreign', s.srvname::text, 0, ARRAY[array_to_string(f.ftoptions, ', ')]
FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid {_AMONG}"""


_COMMENTS = f"""
SELECT d.objoid::int8, 'comment', 'pg_class', CASE WHEN d.objsubid = 0 THEN d.objoid::int8 ELSE d.objsubid END,
 ARRAY[d.description, d.objsubid::text]
FROM pg_catalog.pg_description d WHERE d.objoid {_AMONG} AND d.classoid = 'pg_catalog.pg_class'::regclass
UNION ALL SELECT i.indrelid::int8, 'comment', 'pg_class', i.indexrelid::int8, ARRAY[d.description, '0']
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_description d ON d.objoid = i.indexrelid
 AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0 WHERE i.indrelid {_AMONG}"""

_MEMBER_COMMENTS = "\nUNION ALL ".join(
    f"""SELECT m.{relation}::int8, 'member comment', '{catalog}', m.oid::int8, ARRAY[d.description, '0']
FROM pg_catalog.{catalog} m JOIN pg_catalog.pg_description d ON d.objoid = m.oid
 AND d.classoid = 'pg_catalog.{catalog}'::regclass AND d.objsubid = 0 WHERE m.{relation} {_AMONG}"""
    for catalog, relation in WITH_COMMENTS.items()
)


def _branches(tags: Iterable[str], version: int) -> str:
    texts = {
        "relation": _RELATIONS,
        "inherits": _INHERITS,
        "column": _columns(version),
        "default": _DEFAULTS,
        "sequence": _SEQUENCES,
        "owner": _OWNERS,
        "constraint": _CONSTRAINTS,
        "index": _INDEXES,
        "attached": _ATTACHED,
        "targets": _TARGETS,
        "trigger": _TRIGGERS,
        "rule": _RULES,
        "policy": _POLICIES,
        "foreign": _FOREIGN,
        "comment": _COMMENTS,
        "member comment": _MEMBER_COMMENTS,
    }
    return "\nUNION ALL ".join(texts[tag] for tag in tags)


def all_relations(version: int) -> str:
    """Write the statement that reads every relation of the database.

    Args:
        version: the server's, as a number: 180004.
    """
    own = f"{_SHOWN} AND {_OF_NO_EXTENSION}"
    chosen = f"SELECT ARRAY(SELECT c.oid FROM pg_catalog.pg_class c WHERE {own}) AS oids"
    return f"WITH chosen AS MATERIALIZED ({chosen})\n{_branches(TAGS, version)}".replace("$2", "'3'::xid")


def some_relations(variant: Iterable[str], version: int) -> str:
    """Write a variant of the statement that reads of some relations what some branches tell.

    Its parameters are the relations (oid[]), this transaction (xid), and twice the setting ``plan_cache_mode`` (text):
    as it was, and as it is to be, which is why it is changed in time, for parameters are evaluated before a plan is
    chosen.
    """
    return f"WITH {_chosen('$1')}\n" + _under_reading(
        [_branches(variant, version)], put_back=set_to("plan_cache_mode", "$3")
    )


def relations_at_end(
    variant: Iterable[str], version: int, *, ignored: Iterable[int], ending: Sequence[str], note: str
) -> str:
    """Write a variant that reads the relations which the step at hand has locked, and what else is to be known then.

    It has no parameters: nothing is planned again then for other values.

    Args:
        variant: the branches' tags.
        version: the server's.
        ignored: the relations that are not to be read.
        ending: the branches to go before.
        note: the expression to evaluate at last.
    """
    unread = ",".join(map(str, ignored))
    chosen = _chosen(LOCKED, f" AND c.oid <> ALL ('{{{unread}}}'::oid[])", also=", pg_current_xact_id()::xid AS step")
    read = _branches(variant, version).replace("$2", "(SELECT step FROM chosen)")
    return f"WITH held AS MATERIALIZED ({HELD}),\n{chosen}\n" + _under_reading(
        [*ending, *filter(None, [read])], put_back=note
    )


def _chosen(oids: str, condition: str = "", *, also: str = "") -> str:
    """Write what the branches call ``chosen``."""
    return f"""chosen AS MATERIALIZED (
SELECT ARRAY(SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = ANY ({oids}) AND {_SHOWN}{condition}) AS oids{also})"""


def _under_reading(branches: Iterable[str], *, put_back: str) -> str:
    """Write branches between two that change settings and restore them.

    The statement does so by itself, because a plan is dropped that meets another path at its beginning or its end than
    when it was made.
    """
    return "\nUNION ALL ".join(
        (
            f"SELECT 0::int8, 'settings', concat({change(AT_ONCE)}), 0::int8, NULL::text[]",
            *branches,
            f"SELECT 0, 'settings', concat({restore(AT_ONCE)}, {put_back}), 0, NULL",
        )
    )
