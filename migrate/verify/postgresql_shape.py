"""What a database looks like besides its rows, object by object, so that two ends can be compared and drift be named.

Texts that PostgreSQL makes anew from its parse trees (views, checks, defaults …) may change by a dump and restore
although they mean the same: ``x in ('a', 'b')`` on a varchar column is known for it. So what differs right after a
load is noted with both texts, and passes for as long as both stay exactly so.

Passwords are compared by a digest made at their own server with a number that is new every time: neither the verifier
nor anything to guess it by leaves the host.
"""

import re
import secrets
from collections.abc import Mapping

from migrate.replicators.postgresql.psql import Admin, literal
from pse.core.canonical import digest
from pse.core.text import printable

Shape = dict[str, str]
"""Kind and name of an object to its description."""

REMADE = (
    "constraint ",
    "default ",
    "function ",
    "index ",
    "policy ",
    "rule ",
    "sequence ",
    "trigger ",
    "type ",
    "view ",
)
"""Beginnings of objects that PostgreSQL makes anew from what it knows, so that they may differ after a load.

A sequence is one: that of an identity column made by ``like … including identity`` is a bigint whatever the column is.
"""

TABLE_KINDS = ("table ", "column ")
"""Beginnings of objects without which a row has no place to go."""

_SHOWN = 8
_OURS = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"


def _grants(column: str, kind: str, owner: str) -> str:
    """SQL of an access list in words, the same whether defaults are written out or not (MAINTAIN is new in 17)."""
    return f"""(select string_agg(format('%s %s%s', case when a.grantee = 0 then 'PUBLIC' else
  pg_get_userbyid(a.grantee)::text end, a.privilege_type, case when a.is_grantable then '*' else '' end), ', ' order by
  case when a.grantee = 0 then 'PUBLIC' else pg_get_userbyid(a.grantee)::text end collate "C", a.privilege_type
  collate "C") from aclexplode(coalesce({column}, acldefault({kind}, {owner}))) a
  where a.privilege_type <> 'MAINTAIN')"""


def _own(catalog: str, oid: str) -> str:
    """SQL that leaves out what an extension brings: its version is the other server's business."""
    return f"""not exists (select 1 from pg_depend e where e.classid = '{catalog}'::regclass and e.objid = {oid}
  and e.deptype = 'e')"""


_GRANTS_OF_RELATION = _grants(
    "c.relacl", "(case when c.relkind = 'S' then 's' else 'r' end)::pg_catalog.\"char\"", "c.relowner"
)
_ROWS = f"""
select case when c.relkind in ('r', 'p') then 'table' else 'relation' end, format('%I.%I', n.nspname, c.relname),
  concat_ws(' ', c.relkind::text, c.relpersistence::text, pg_get_expr(c.relpartbound, c.oid)), ''
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f', 'c') and {_OURS} and {_own("pg_class", "c.oid")}
union all select 'owner, flags and grants of', format('%I.%I', n.nspname, c.relname), concat_ws(' ',
  pg_get_userbyid(c.relowner), case when c.relrowsecurity then 'row security' end, case when c.relforcerowsecurity
  then 'forced' end, case when c.relkind in ('v', 'm') then c.reloptions::text end,
  {_GRANTS_OF_RELATION}), ''
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and {_OURS} and {_own("pg_class", "c.oid")}
union all select 'column', format('%I.%I.%I', n.nspname, c.relname, a.attname), concat_ws(' ',
  format_type(a.atttypid, a.atttypmod), (select collname from pg_collation where oid = a.attcollation),
  case when a.attnotnull then 'not null' end, nullif(a.attidentity::text, ''),
  nullif(to_jsonb(a) ->> 'attgenerated', ''),
  case when a.attacl is not null then {_grants("a.attacl", "'c'", "c.relowner")} end), ''
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') and {_OURS}
  and {_own("pg_class", "c.oid")}
union all select 'default', format('%I.%I.%I', n.nspname, c.relname, a.attname), pg_get_expr(d.adbin, d.adrelid), ''
from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
where {_OURS} and {_own("pg_class", "c.oid")}
union all select 'constraint', format('%s.%I', case when k.conrelid <> 0 then k.conrelid::regclass::text else
  k.contypid::regtype::text end, k.conname), pg_get_constraintdef(k.oid), ''
from pg_constraint k join pg_namespace n on n.oid = k.connamespace where k.contype <> 'n' and {_OURS}
  and {_own("pg_class", "k.conrelid")}
union all select 'index', format('%I.%I', n.nspname, c.relname), pg_get_indexdef(c.oid), ''
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where {_OURS} and {_own("pg_class", "i.indrelid")}
union all select 'sequence', format('%I.%I', n.nspname, c.relname), concat_ws(' ', format_type(s.seqtypid, null),
  s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle), ''
from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace where {_OURS}
  and {_own("pg_class", "c.oid")}
union all select 'view', format('%I.%I', n.nspname, c.relname), md5(pg_get_viewdef(c.oid)), ''
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('v', 'm') and {_OURS}
  and {_own("pg_class", "c.oid")}
union all select 'trigger', format('%s.%I', t.tgrelid::regclass, t.tgname), t.tgenabled::text || md5(
  pg_get_triggerdef(t.oid)), '' from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on
  n.oid = c.relnamespace
where not t.tgisinternal and {_OURS} and {_own("pg_class", "c.oid")}
union all select 'rule', format('%s.%I', r.ev_class::regclass, r.rulename), r.ev_enabled::text || md5(
  pg_get_ruledef(r.oid)), ''
from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
where r.rulename <> '_RETURN' and {_OURS} and {_own("pg_class", "c.oid")}
union all select 'policy', format('%s.%I', p.polrelid::regclass, p.polname), concat_ws(' ', p.polcmd::text,
  p.polpermissive, (select string_agg(case when r = 0 then 'PUBLIC' else pg_get_userbyid(r)::text end, ',' order by
  pg_get_userbyid(r)::text collate "C") from unnest(p.polroles) r), 'using', pg_get_expr(p.polqual, p.polrelid),
  'check', pg_get_expr(p.polwithcheck, p.polrelid)), ''
from pg_policy p
union all select 'function', p.oid::regprocedure::text, case when coalesce(to_jsonb(p) ->> 'prokind',
  case to_jsonb(p) ->> 'proisagg' when 'true' then 'a' end) = 'a' then 'aggregate' else
  md5(pg_get_functiondef(p.oid)) end, ''
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where {_OURS} and {_own("pg_proc", "p.oid")}
union all select 'owner and grants of function', p.oid::regprocedure::text, concat_ws(' ', pg_get_userbyid(p.proowner),
  {_grants("p.proacl", "'f'", "p.proowner")}), ''
from pg_proc p join pg_namespace n on n.oid = p.pronamespace where {_OURS} and {_own("pg_proc", "p.oid")}
union all select 'type', t.oid::regtype::text, concat_ws(' ', t.typtype::text, case when t.typtype = 'd' then
  format_type(t.typbasetype, t.typtypmod) end, case when t.typnotnull then 'not null' end, t.typdefault,
  (select string_agg(quote_literal(e.enumlabel), ',' order by e.enumsortorder) from pg_enum e where
  e.enumtypid = t.oid),
  pg_get_userbyid(t.typowner), {_grants("t.typacl", "'T'", "t.typowner")}), ''
from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typtype in ('e', 'd', 'r') and {_OURS}
  and {_own("pg_type", "t.oid")}
union all select 'schema', format('%I', n.nspname), concat_ws(' ', pg_get_userbyid(n.nspowner),
  {_grants("n.nspacl", "'n'", "n.nspowner")}), '' from pg_namespace n where {_OURS} and {_own("pg_namespace", "n.oid")}
union all select 'default grants', format('%s %s %s', pg_get_userbyid(d.defaclrole),
  case when d.defaclnamespace <> 0 then d.defaclnamespace::regnamespace::text else '' end, d.defaclobjtype),
  {_grants("d.defaclacl", "'r'", "d.defaclrole")}, '' from pg_default_acl d
union all select 'event trigger', format('%I', t.evtname), concat_ws(' ', t.evtevent, t.evtfoid::regprocedure,
  t.evtenabled::text, t.evttags::text), '' from pg_event_trigger t where {_own("pg_event_trigger", "t.oid")}
union all select 'extension', format('%I', x.extname), '', '' from pg_extension x where x.extname <> 'plpgsql'
union all select 'owner and grants of', 'the database', concat_ws(' ', pg_get_userbyid(d.datdba),
  {_grants("d.datacl", "'d'", "d.datdba")}), '' from pg_database d where d.datname = current_database()
union all select 'database setting', concat_ws(' ', case when s.setrole <> 0 then pg_get_userbyid(s.setrole) end,
  split_part(v, '=', 1)), md5(v), ''
from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase, unnest(s.setconfig) v
where d.datname = current_database() and (s.setrole <> 0 or v !~ '^default_transaction_read_only=')
"""

_ROLES = """
union all select 'role', format('%I', r.rolname), concat_ws(' ', r.rolsuper, r.rolinherit, r.rolcreaterole,
  r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil at time zone 'UTC'),
  r.rolname from pg_authid r where {roles}
union all select 'password of', format('%I', r.rolname), coalesce({verifier}, 'none'), r.rolname
from pg_authid r where {roles}
union all select 'membership', format('%I in %I', r.rolname, g.rolname), case when bool_or(m.admin_option) then
  'admin' else 'member' end, r.rolname
from pg_auth_members m join pg_authid r on r.oid = m.member join pg_authid g on g.oid = m.roleid where {roles}
group by r.rolname, g.rolname
union all select 'setting of role', format('%I %s', r.rolname, split_part(v, '=', 1)), md5(v), r.rolname
from pg_db_role_setting s join pg_authid r on r.oid = s.setrole, unnest(s.setconfig) v
where s.setdatabase = 0 and {roles}
"""


def query(admin: Admin, salt: str) -> str:
    """SQL that lists all: kind, name, description, and the role that a row is about or an empty text."""
    salted = f"convert_to({literal(salt)} || r.rolpassword, 'UTF8')"
    verifier = f"encode(sha256({salted}), 'hex')" if admin.version >= 110000 else f"md5({salted})"
    return _ROWS + _ROLES.format(roles="r.rolname !~ '^pg_' and r.rolname <> 'postgres'", verifier=verifier)


def new_salt() -> str:
    """What passwords are hashed with in one comparison."""
    return secrets.token_hex(16)


def shapes(mine: list[list[str]], theirs: list[list[str]]) -> tuple[Shape, Shape]:
    """Rows of `query` at both ends as descriptions; of roles only those that the first end has."""
    roles = {row[3] for row in mine}

    def shape(rows: list[list[str]]) -> Shape:
        return {f"{kind} {name}": text for kind, name, text, role in rows if role in roles or not role}

    return shape(mine), shape(theirs)


def unlike(mine: Shape, theirs: Shape, passed: Mapping[str, str]) -> list[str]:
    """Names of what differs, but for what ``passed`` holds: name to a digest of both texts (`as_loaded`)."""
    return sorted(
        name
        for name in mine.keys() | theirs.keys()
        if mine.get(name) != theirs.get(name) and passed.get(name) != _pair(mine.get(name), theirs.get(name))
    )


def as_loaded(before: Shape, mine: Shape, theirs: Shape) -> dict[str, str]:
    """What a load leaves different without a change of meaning.

    Args:
        before: The giver before the load began; what changed since is no matter of the load.
        mine: The giver after it.
        theirs: The taker after it.
    """
    return {
        name: _pair(mine[name], theirs[name])
        for name in unlike(mine, theirs, {})
        if name.startswith(REMADE) and name in theirs and name in mine and before.get(name) == mine[name]
    }


def stuck(names: list[str], mine: Shape) -> list[str]:
    """Of what differs, what keeps rows of the other end from a place here: any change of a table that this end has."""
    # A column's quoted name ends in its own.
    tables = {name: re.sub(r'^column (.*)\.("([^"]|"")*"|[^".]*)$', r"table \1", name) for name in names}
    return [name for name in names if name.startswith(TABLE_KINDS) and tables[name] in mine]


def say(names: list[str], mine: Shape, theirs: Shape) -> str:
    """The names in words: where each is missing, or that it differs."""
    words = [
        f"{printable(name)}: "
        + (
            "missing at the target"
            if name not in theirs
            else "missing at the source"
            if name not in mine
            else "differs"
        )
        for name in names[:_SHOWN]
    ]
    return "; ".join([*words, f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else words)


def _pair(mine: str | None, theirs: str | None) -> str:
    return digest(repr((mine, theirs)).encode())
