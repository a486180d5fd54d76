"""What MariaDB databases look like besides their rows, object by object, and the accounts of their server.

Passwords are compared by a digest made at their own server with a number that is new every time: neither the verifier
nor anything to guess it by leaves the host.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from migrate.replicators.mariadb.server import OURS, Server, ident, literal
from migrate.verify import postgresql_shape as shape
from migrate.verify.postgresql_shape import Shape

_OWN_ACCOUNTS = ("", "root", "mariadb.sys", "mysql", "debian-sys-maint", "PUBLIC")
"""Accounts that every server has of its own; they are never carried."""

# Of each object its kind, its name and its description.
_SHAPE = """
select 'database', schema_name, concat_ws(' ', default_character_set_name, default_collation_name)
from information_schema.schemata where schema_name in ({names})
union all select if(table_type = 'VIEW', 'relation', 'table'), concat_ws('.', table_schema, table_name),
  concat_ws(' ', table_type, engine, table_collation, create_options, table_comment)
from information_schema.tables where table_schema in ({names})
union all select 'column', concat_ws('.', table_schema, table_name, column_name), concat_ws(' ', ordinal_position,
  column_type, character_set_name, collation_name, is_nullable, extra, generation_expression, column_comment,
  concat('default ', column_default))
from information_schema.columns where table_schema in ({names})
union all select 'index', concat_ws('.', table_schema, table_name, index_name), concat_ws(' ', max(non_unique),
  max(index_type), max(ignored), group_concat(concat_ws(':', column_name, sub_part) order by seq_in_index))
from information_schema.statistics where table_schema in ({names}) group by table_schema, table_name, index_name
union all select 'constraint', concat_ws('.', k.table_schema, k.table_name, k.constraint_name), concat_ws(' ',
  group_concat(concat_ws('.', k.column_name, k.referenced_table_schema, k.referenced_table_name,
  k.referenced_column_name) order by k.ordinal_position), max(r.update_rule), max(r.delete_rule), max(r.match_option))
from information_schema.key_column_usage k left join information_schema.referential_constraints r on
  r.constraint_schema = k.constraint_schema and r.table_name = k.table_name and r.constraint_name = k.constraint_name
where k.table_schema in ({names}) group by k.table_schema, k.table_name, k.constraint_name
union all select 'check', concat_ws('.', constraint_schema, table_name, constraint_name), check_clause
from information_schema.check_constraints where constraint_schema in ({names})
union all select 'partition', concat_ws('.', table_schema, table_name, partition_name, subpartition_name),
  concat_ws(' ', partition_method, partition_expression, partition_description, subpartition_method,
  subpartition_expression)
from information_schema.partitions where table_schema in ({names}) and partition_name is not null
union all select 'view', concat_ws('.', table_schema, table_name), concat_ws(' ', md5(view_definition), check_option,
  definer, security_type, character_set_client, collation_connection)
from information_schema.views where table_schema in ({names})
union all select 'routine', concat_ws('.', r.routine_schema, lower(r.routine_type), r.routine_name), concat_ws(' ',
  md5(r.routine_definition), r.dtd_identifier, r.is_deterministic, r.sql_data_access, r.security_type, r.sql_mode,
  r.definer, r.character_set_client, r.collation_connection, (select group_concat(concat_ws(' ', p.parameter_mode,
  p.parameter_name, p.dtd_identifier) order by p.ordinal_position) from information_schema.parameters p where
  p.specific_schema = r.routine_schema and p.specific_name = r.specific_name and p.routine_type = r.routine_type))
from information_schema.routines r where r.routine_schema in ({names})
union all select 'trigger', concat_ws('.', trigger_schema, trigger_name), concat_ws(' ', event_object_table,
  event_manipulation, action_timing, action_order, md5(action_statement), sql_mode, definer, character_set_client)
from information_schema.triggers where trigger_schema in ({names})
union all select 'event', concat_ws('.', event_schema, event_name), concat_ws(' ', md5(event_definition), event_type,
  execute_at, interval_value, interval_field, starts, ends, status, on_completion, time_zone, sql_mode, definer)
from information_schema.events where event_schema in ({names})
"""

# The fourth column is the account that a row is about.
_ROLES = """
select 'role', who, if(is_role, concat('role with ', json_value(priv, '$.access')), 'account'), who from {accounts}
union all select 'password of', who, sha2(concat({salt}, concat_ws('|', {parts})), 256), who from {accounts}
union all select 'membership', concat(a.who, ' in ', m.role), if(m.admin_option = 'Y', 'admin', 'member'), a.who
from mysql.roles_mapping m join {accounts} on a.user = m.user and a.host = m.host
union all select 'grant', concat_ws(' ', a.who, 'on *.*'), group_concat(concat(p.privilege_type, p.is_grantable)
  order by p.privilege_type), a.who from information_schema.user_privileges p join {accounts} on a.grantee =
  p.grantee group by a.who
union all select 'grant', concat_ws(' ', a.who, 'on', p.table_schema), group_concat(concat(p.privilege_type,
  p.is_grantable) order by p.privilege_type), a.who from information_schema.schema_privileges p join {accounts} on
  a.grantee = p.grantee group by a.who, p.table_schema
union all select 'grant', concat_ws(' ', a.who, 'on', concat_ws('.', p.table_schema, p.table_name)),
  group_concat(concat(p.privilege_type, p.is_grantable) order by p.privilege_type), a.who
from information_schema.table_privileges p join {accounts} on a.grantee = p.grantee
group by a.who, p.table_schema, p.table_name
union all select 'grant', concat_ws(' ', a.who, 'on', concat_ws('.', p.table_schema, p.table_name, p.column_name)),
  group_concat(concat(p.privilege_type, p.is_grantable) order by p.privilege_type), a.who
from information_schema.column_privileges p join {accounts} on a.grantee = p.grantee
group by a.who, p.table_schema, p.table_name, p.column_name
union all select 'grant', concat_ws(' ', a.who, 'on', p.routine_type, concat_ws('.', p.db, p.routine_name)),
  p.proc_priv, a.who from mysql.procs_priv p join {accounts} on a.user = p.user and a.host = p.host
"""
_PARTS = (
    *("plugin", "authentication_string", "auth_or", "ssl_type", "ssl_cipher", "x509_issuer", "x509_subject"),
    *("max_queries", "max_updates", "max_connections", "max_user_connections", "max_statement_time"),
    *("account_locked", "password_lifetime"),
)


def accounts(*admins: Server) -> str:
    """SQL of the accounts and roles that are carried: all but the servers' own and those that we are let in by."""
    own = ", ".join(map(literal, _OWN_ACCOUNTS))
    ours = ", ".join(literal(server.account) for server in admins)
    return (
        # A default role that was revoked since counts for nothing, and cannot be set again.
        "(select user, host, priv, (select m.role from mysql.roles_mapping m where m.user = g.user and m.host = g.host "
        "and m.role = json_value(g.priv, '$.default_role')) as default_role, "
        "json_value(priv, '$.is_role') <=> 1 as is_role, "
        "if(json_value(priv, '$.is_role') = 1, user, concat(user, '@', host)) as who, "
        "concat('''', user, '''@''', host, '''') as "
        f"grantee from mysql.global_priv g where user not in ({own}) and user not regexp '{OURS}' and "
        f"concat(user, '@', host) not in ({ours})) a"
    )


def shapes_of(source: Server, target: Server, databases: Sequence[str]) -> tuple[Shape, Shape]:
    """The shapes of both ends now, read at the same time; of accounts only those that the source has."""
    salt = shape.new_salt()
    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(_rows, server, databases, salt, (source, target)) for server in (source, target)]
        mine, theirs = (end.result() for end in ends)
    return shape.shapes(mine, theirs)


def roles_of(source: Server, target: Server) -> tuple[Shape, Shape]:
    """As `shapes_of`, of accounts alone."""
    salt = shape.new_salt()
    return shape.shapes(*(server.rows(_roles(salt, (source, target))) for server in (source, target)))


def counters(server: Server, databases: Sequence[str]) -> dict[str, str]:
    """What automatic keys and sequences give next, by quoted name."""
    names = ", ".join(map(literal, databases))
    tables = server.rows(
        "select table_schema, table_name, table_type, coalesce(auto_increment, '') from information_schema.tables "
        f"where table_schema in ({names}) and (auto_increment is not null or table_type = 'SEQUENCE') order by 1, 2"
    )
    found = {f"{ident(db)}.{ident(name)}": value for db, name, kind, value in tables if kind != "SEQUENCE"}
    for sequence in (f"{ident(db)}.{ident(name)}" for db, name, kind, _ in tables if kind == "SEQUENCE"):
        ((value, *rest),) = server.rows(
            "select next_not_cached_value, minimum_value, maximum_value, increment, cycle_option from " + sequence
        )
        found[sequence] = f"{value} of {' '.join(rest)}"
    return found


def _rows(server: Server, databases: Sequence[str], salt: str, ends: tuple[Server, Server]) -> list[list[str]]:
    names = ", ".join(map(literal, databases))
    rows = [[*row, ""] for row in server.rows(_SHAPE.format(names=names))]
    return rows + server.rows(_roles(salt, ends))


def _roles(salt: str, ends: tuple[Server, Server]) -> str:
    parts = ", ".join(f"coalesce(json_extract(priv, '$.{part}'), '')" for part in _PARTS)
    parts += ", coalesce(default_role, '')"
    return _ROLES.format(accounts=accounts(*ends), salt=literal(salt), parts=parts)
