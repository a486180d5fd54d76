"""What a move made at its target's MariaDB server, said there: the server is asked, never the journal.

A small database of ours holds in which state the copy is and what was made for it, written before it is made: so that
a copy that was cut off is known for ours, and nothing else is ever dropped.
"""

from collections.abc import Sequence

from migrate.replicators.mariadb.server import Server, ident, literal
from pse.core.errors import Refused

SEEDING = "seeding"
SEEDED = "seeded"
LIVE = "live"


class Mark:
    """The database of ours at the target.

    Args:
        server: The target's.
        job: Name of the move.
    """

    def __init__(self, server: Server, job: str) -> None:
        """Remember them; nothing is asked yet."""
        self._server = server
        self.name = job.replace("-", "_")

    @property
    def there(self) -> bool:
        """It is there."""
        asked = f"select 1 from information_schema.tables where table_schema = {literal(self.name)} and "
        return bool(self._server.one(f"{asked} table_name = 'made'"))

    def state(self) -> str:
        """In which state the copy is, such as ``seeded a1``; empty when there is none of ours."""
        return self._server.one(f"select word from {self.name}.state") if self.there else ""

    @property
    def live(self) -> bool:
        """The copy is in service."""
        return self.state() == LIVE

    def set(self, state: str) -> None:
        """Say in which state it is."""
        self._server.rows(
            f"""create database if not exists {self.name};
create table if not exists {self.name}.state (id int primary key, word varchar(200) not null) engine = InnoDB;
create table if not exists {self.name}.made (kind varchar(20) not null, name varchar(300) character set utf8mb4
  collate utf8mb4_bin not null, primary key (kind, name)) engine = InnoDB;
replace into {self.name}.state values (1, {literal(state)});
"""
        )

    def made(self, kind: str) -> list[str]:
        """Names of what was made, or was about to be: ``database`` or ``account``."""
        if not self.there:
            return []
        return self._server.column(f"select name from {self.name}.made where kind = {literal(kind)} order by 1")

    def note(self, kind: str, names: Sequence[str]) -> None:
        """Say that these are ours, before they are made."""
        self._server.rows(
            "".join(f"insert ignore into {self.name}.made values ({literal(kind)}, {literal(n)});\n" for n in names)
        )

    def replaceable(self, databases: Sequence[str]) -> None:
        """Look whether these databases may be made anew at the target: they are not there, empty, or ours.

        Raises:
            Refused: One is not ours, or in service.
        """
        if self.live:
            raise Refused(
                f"{', '.join(databases)} stands at the target already and is in service",
                where=self._server.host.name,
                hint="Nothing is overwritten. Roll back first, or drop it by hand.",
            )
        known = set(self.made("database"))
        names = ", ".join(map(literal, databases))
        held = self._server.column(
            f"select distinct table_schema from information_schema.tables where table_schema in ({names}) union select "
            f"routine_schema from information_schema.routines where routine_schema in ({names}) order by 1"
        )
        if foreign := [name for name in held if name not in known]:
            raise Refused(
                f"database {', '.join(foreign)} stands at the target already and is not ours",
                where=self._server.host.name,
                hint="Nothing is overwritten. Drop it by hand, or choose another target.",
            )

    def drop_made(self) -> None:
        """Drop what was made: only a copy that is not in service."""
        sql = "".join(f"drop database if exists {ident(name)};\n" for name in self.made("database"))
        for account in self.made("account"):
            user, is_user, host = account.rpartition("@")
            name = f"user if exists {literal(user)}@{literal(host)}" if is_user else f"role if exists {ident(account)}"
            sql += f"drop {name};\n"
        if sql:
            self._server.rows(f"set session foreign_key_checks = 0;\n{sql}delete from {self.name}.made;\n")

    def forget(self) -> None:
        """Drop this database of ours itself."""
        self._server.rows(f"drop database if exists {self.name}")
