"""A PostgreSQL database under pgbench: how long writers are stopped by a cut-over, and what a rollback brings back.

Source and target are real servers. pgbench writes at a steady rate while the database is carried; writers are stopped
from the freeze until the target is open to them. Then pgbench writes at the target what it would in a longer time, and
the move is rolled back. Counts and sums by queries of this module's own say what was lost.
"""

import tempfile
import time
from pathlib import Path

from migrate.conformance.journey import Journey, judge
from tests.migrate.houses import PostgresHouse
from tests.migrate.rig import Rig, wait_for

_SOCKET = "-h /var/run/postgresql -U app"
_SUMS = """select count(*), coalesce(sum(delta), 0), (select sum(abalance) from public.pgbench_accounts)
from public.pgbench_history"""


class BankHouse(PostgresHouse):
    """pgbench's own database in place of the awkward one."""

    move = PostgresHouse.move.__class__(
        id="bank", kind="postgresql", source="source", target="target", database="bank", port=5432
    )

    def __init__(self, rig: Rig, scale: int) -> None:
        """Remember both."""
        super().__init__(rig)
        self.scale = scale

    def fill(self) -> None:
        """Make both servers, and the database at the source."""
        for end in (self.rig.source, self.rig.target):
            end.postgres()
        self.admin("source").rows("postgres", "create role app login;\ncreate database bank owner app;")
        task = self.task()
        task.source.text(f"pgbench {_SOCKET} -i -q -s {self.scale} bank", timeout_s=1800)

    def write(self, side: str, number: int) -> None:
        """Nothing between the steps."""

    def sums(self, side: str) -> tuple[str, ...]:
        """Rows that were acknowledged, their sum, and the sum of all accounts, which has to be the same."""
        return tuple(self.admin("source" if side == "source" else "target").rows("bank", _SUMS)[0])


def measured(*, scale: int, rate: int, later: int) -> dict[str, float]:
    """One cut-over and one rollback.

    Args:
        scale: pgbench's; 1 is 100,000 accounts.
        rate: Transactions a second while the database is carried.
        later: Transactions at the target before the rollback.

    Returns:
        ``cutover_stopped_s``, ``rollback_stopped_s``, and what was ``lost``: rows.
    """
    with tempfile.TemporaryDirectory(prefix="pse-bench-", ignore_cleanup_errors=True) as folder:
        rig = Rig(Path(folder))
        try:
            rig.source.start()
            rig.target.start()
            house = BankHouse(rig, scale)
            house.fill()
            return _measured(house, rate=rate, later=later)
        finally:
            rig.stop()


def _measured(house: BankHouse, *, rate: int, later: int) -> dict[str, float]:
    journey, task = Journey(house), house.task()
    task.source.text(
        f"setsid pgbench {_SOCKET} -n -c 2 -R {rate} -T 7200 bank >/tmp/pgbench.log 2>&1 </dev/null & true"
    )
    wait_for(lambda: int(house.sums("source")[0]) > rate, 60)
    began = 0.0
    for name, act in journey.steps().items():
        if name == "freeze":
            began = time.monotonic()
        judge(name, act(task))
    journey.replicator.thaw(task, at_target=True)
    stopped = time.monotonic() - began
    before, there = house.sums("source"), house.sums("target")
    assert before == there, (before, there)
    assert int(before[0]) > rate

    task.target.text(f"pgbench {_SOCKET} -n -c 2 -t {later // 2} bank", timeout_s=3600)
    written = house.sums("target")
    assert int(written[0]) == int(before[0]) + later // 2 * 2
    back = house.task(back=True)
    for name, act in journey.steps(back=True).items():
        if name == "freeze-target":
            began = time.monotonic()
        judge(name, act(back))
    rollback = time.monotonic() - began
    after = house.sums("source")
    return {
        "cutover_stopped_s": round(stopped, 2),
        "rollback_stopped_s": round(rollback, 2),
        "lost": int(written[0]) - int(after[0]) + (after[1:] != written[1:]),
        "rows": int(after[0]),
    }
