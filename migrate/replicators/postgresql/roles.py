"""Roles of a database server: carried as they are, password verifiers included, from server to server only."""

from migrate.replicators.postgresql.psql import Admin
from pse.core.errors import RemoteError

DUMP = "pg_dumpall --globals-only {far} | grep -vE '^(CREATE|ALTER) ROLE \"?postgres\"?[ ;]'"
"""Shell text that writes all roles but our own way in. Those that are there already make their CREATE fail; the ALTER
that follows sets what they should be."""

_THEIRS = "r.rolname !~ '^pg_' and r.rolname <> 'postgres'"
_STATEMENTS = f"""select 'more', r.rolname, format('revoke %I from %I;', g.rolname, r.rolname)
from pg_auth_members m join pg_roles r on r.oid = m.member join pg_roles g on g.oid = m.roleid where {_THEIRS}
union select 'more', r.rolname, format('alter role %I reset %I;', r.rolname, split_part(v, '=', 1))
from pg_db_role_setting s join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) v
where s.setdatabase = 0 and {_THEIRS}
union select 'less', r.rolname, format('alter role %I password null;', r.rolname)
from pg_authid r where r.rolpassword is null and {_THEIRS}
union select 'role', r.rolname, '' from pg_roles r where {_THEIRS}"""


def settle(giver: Admin, taker: Admin) -> None:
    """After a load: take from the giver's roles at the taker what the giver does not let them have any more.

    Raises:
        RemoteError: A role of the giver is missing at the taker.
    """
    mine, theirs = ({(a, b, c) for a, b, c in end.rows("postgres", _STATEMENTS)} for end in (giver, taker))
    known = {role for kind, role, _ in mine if kind == "role"}
    if lacking := sorted(known - {role for kind, role, _ in theirs if kind == "role"}):
        raise RemoteError(f"roles are missing: {', '.join(lacking)}", where=taker.host.name)
    todo = [sql for kind, role, sql in sorted(theirs - mine) if kind == "more" and role in known]
    todo += [sql for kind, _, sql in sorted(mine - theirs) if kind == "less"]
    if todo:
        taker.rows("postgres", "\n".join(todo))
