"""A host with a MariaDB server gets one move of all its databases, and a server that can take them."""

import msgspec

from pse.core.documents.snapshot import Database
from pse.core.settings import Workspace
from tests.blueprints.estates import draft, estate, server, workload


def database(name: str, engine: str = "mariadb", port: int = 3306) -> Database:
    return Database(server="srv-portal", engine=engine, port=port, name=name, size_mib=100)


def moves(workspace: Workspace, *databases: Database, text: str = "") -> list[tuple[str, str, int, int | None]]:
    workspace.path("workloads.toml").write_text(text)
    of = estate((server("portal"),), (workload("portal"),), databases=databases)
    (unit,) = [unit for unit in draft(workspace, of).units.values() if unit.workload == "portal"]
    (made,) = unit.servers
    assert "mariadb-server" in made.packages
    assert "/var/lib/mysql" in {volume.mount for volume in made.volumes}
    assert len({move.id for move in unit.moves}) == len(unit.moves)
    return [(move.kind, move.database, move.port, move.size_mib) for move in unit.moves]


def test_all_databases_of_a_server_move_together(planned: Workspace) -> None:
    assert moves(planned, database("payments"), database("archive")) == [("mariadb", "archive,payments", 3306, 200)]


def test_what_a_person_names_moves_and_beside_postgresql_each_gets_its_own(planned: Workspace) -> None:
    named = '[workload.portal.host.portal]\ndatabases = ["payments", "unseen"]\n'
    assert moves(planned, database("payments"), database("archive"), text=named) == [
        ("mariadb", "payments,unseen", 3306, None)
    ]
    both = (database("payments"), database("ledger", "postgresql", 5432))
    assert moves(planned, *both) == [("mariadb", "payments", 3306, 100), ("postgresql", "ledger", 5432, 100)]
    named = '[workload.portal.host.portal]\ndatabases = ["payments", "ledger"]\n'
    assert moves(planned, *both, text=named) == [
        ("mariadb", "payments", 3306, 100),
        ("postgresql", "ledger", 5432, 100),
    ]


def test_a_server_that_told_nothing_gets_no_move_but_a_place(planned: Workspace) -> None:
    silent = msgspec.structs.replace(database(""), size_mib=None)
    assert moves(planned, silent) == []
