"""MariaDB for the conformance suite: two servers, and the plain client to write and read with."""

import secrets
from collections import Counter
from pathlib import Path
from types import MappingProxyType

from msgspec.structs import replace

from migrate.conformance import Side
from migrate.replicators.mariadb.replicator import MariaDB
from pse.core.documents.plan import Move
from tests.migrate.houses import SIDES, Once, RigHouse, Till
from tests.migrate.mariadb_rig import SCHEMA, crash, serve, serving, start
from tests.migrate.rig import Rig

MOVE = Move(id="", kind="mariadb", source="source", target="target", database="archive,payments", port=3306)
_TABLES = MappingProxyType(
    {"citizen": "id", "payment": "id", "keyless": "at, what", "parted": "id", "audit": "id", "nothing": "id"}
)


def own(move: Move) -> Move:
    """A move with a job, and so with ports, of its own: all hosts of all tests share one loopback address."""
    return replace(move, id=secrets.token_hex(6))


class MariaHouse(RigHouse):
    """Databases with what is easily lost."""

    replicator = MariaDB
    store = "/var/lib"
    serves = True

    def __init__(self, rig: Rig, made: Path) -> None:
        super().__init__(rig)
        self.made = made
        self.move = own(MOVE)

    def sql(self, side: Side, sql: str) -> str:
        """Run SQL as an administrator of the host."""
        host = self.end(side).host()
        try:
            return host.text("mariadb -BN", stdin=sql.encode(), timeout_s=60)
        finally:
            host.close()

    def fill(self) -> None:
        for number, side in enumerate(SIDES, 1):
            serve(self.end(side), self.made, number)
        self.sql("source", f"set session sql_log_bin = 0;{SCHEMA}")

    def empty(self) -> None:
        for number, side in enumerate(SIDES, 1):
            serve(self.end(side), self.made, number)
            self.sql(side, "create database payments; create database archive")

    def write(self, side: Side, number: int) -> None:
        self.sql(
            side,
            f"""use payments; insert into payment (citizen, amount) values ({number}, 1);
update keyless set what = 'changed {number}' where what = 'row {number}'; delete from parted where id = {number};
create table if not exists made_{number} (id int primary key)""",
        )

    def spoil(self, side: Side) -> None:
        self.sql(side, "set session sql_log_bin = 0; update payments.citizen set name = 'citizen 9' where id = 9")

    def contents(self, side: Side) -> str:
        asked = "".join(
            f"select '{table}'; select * from payments.{table} order by concat_ws(' ', {columns});"
            for table, columns in _TABLES.items()
        )
        return self.sql(side, f"select 'number', lastval(payments.number); show tables in payments; {asked}")

    def till(self, side: Side) -> Till:
        host = self.end(side).host(Once)

        def pay(number: int) -> bool:
            values = f"{number} % 500 + 1, 1, json_object('w', {number})"
            sql = f"insert into payment (citizen, amount, extra) values ({values})"
            return host.run(f'mariadb -u cashier -pcanary-cashier payments -e "{sql}"').rc == 0

        return pay

    def paid(self, side: Side) -> Counter[int]:
        known = "from payments.payment where json_exists(extra, '$.w')"
        rows = self.sql(side, f"select json_value(extra, '$.w') as number, count(*) {known} group by number")
        return Counter({int(number): int(count) for number, count in (line.split("\t") for line in rows.splitlines())})

    def crash(self, side: Side) -> None:
        crash(self.end(side))
        start(self.end(side))

    def serving(self, side: Side) -> None:
        serving(self.end(side))

    def strike(self) -> int:
        return sum(end.kill(self.task().job, "mariadb-dump") for end in (self.rig.source, self.rig.target))

    def leftovers(self) -> list[str]:
        asked = (
            "select user from mysql.global_priv where user regexp '^pse_[0-9a-f]{12}'; show all slaves status; "
            "select schema_name from information_schema.schemata where schema_name regexp '^pse_[0-9a-f]{12}'"
        )
        return [
            *super().leftovers(),
            *(f"{side}: {line}" for side in SIDES for line in self.sql(side, asked).split("\n") if line),
        ]
