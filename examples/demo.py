"""The main job on the lab, from an old server room over SSH to a verified migration: what `make demo` runs.

Every step is a `pse` command that a person could type; this file only orders them, injures the run on purpose in two
places (a wrong place, a kill) and reads the answers. Its last line on stdout is one JSON object with the figures.

    python -m examples.demo [--workspace FOLDER] [--keep]

``--keep``, or ``KEEP=1``, leaves the lab and the stacks standing.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.resolver
import msgspec

from blueprints.planning.bundle import SIGNATURE, Bundle
from examples import bare
from pse.core.settings import Workspace
from pse.core.text import counted

PSE = (sys.executable, "-m", "pse.cli.main")
FORBIDDEN = "sample-elsewhere/abroad/abr-1"
STEP_LIMIT_S = 300


class DemoFailed(Exception):
    """A step did not end as it has to."""


class Demo:
    """One run.

    Attributes:
        root: The workspace.
        refusals: Refusals that the run provoked and saw.
        log: What every command printed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.refusals = 0
        self.log = root.parent / f"{root.name}.log"
        self._started = time.monotonic()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Print one line for a step: its title, what it gave, and the seconds it took."""
        words: list[str] = []
        began = time.monotonic()
        print(f"{began - self._started:6.1f} s  {title} …", end="", flush=True)
        try:
            yield words
        except BaseException:
            print(" failed", flush=True)
            raise
        print(f" {', '.join(words)}  ({time.monotonic() - began:.1f} s)", flush=True)

    def pse(self, *words: str, expect: int = 0) -> Any:
        """Run ``pse WORDS --json`` in the workspace and return the object it printed.

        Raises:
            DemoFailed: Another exit code than ``expect``, or no JSON.
        """
        with self.log.open("ab") as log:
            log.write(f"\n$ pse {' '.join(words)}\n".encode())
            log.flush()
            done = subprocess.run(
                [*PSE, words[0], "--workspace", str(self.root), "--json", *words[1:]],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                timeout=STEP_LIMIT_S,
                check=False,
            )
            log.write(done.stdout)
        if done.returncode != expect:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
            raise DemoFailed(f"`pse {' '.join(words)}` ended {done.returncode}, not {expect}:\n{tail}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def kill_during_seed(self, *words: str) -> str:
        """Run ``pse WORDS`` and kill it with SIGKILL once it copies; returns the line at which it was killed."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*PSE, words[0], "--workspace", str(self.root), *words[1:]],
                stdout=log,
                stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            assert process.stderr is not None
            for raw in process.stderr:
                log.write(raw)
                line = raw.decode(errors="replace").strip()
                if "seed" in line and "records" in line:
                    os.kill(process.pid, signal.SIGKILL)
                    process.wait(timeout=10)
                    return line
                if time.monotonic() - began > STEP_LIMIT_S:
                    break
            process.kill()
            process.wait(timeout=10)
        raise DemoFailed("the migration ended before it could be killed; see the log")

    def portal(self, path: str, *, method: str = "GET") -> Any:
        """Ask the portal as a citizen does: resolve its name at the ministry's name server, then HTTP."""
        settings = Workspace(self.root).settings.migrate.dns
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [settings.server]
        resolver.port = settings.port
        address = resolver.resolve("portal.ministry.example.", "A", lifetime=5)[0].to_text()
        request = urllib.request.Request(
            f"http://{address}:8080{path}", method=method, data=b"" if method == "POST" else None
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def rows(self) -> int:
        """Payments that the portal sees, through whichever database serves it."""
        count: int = self.portal("/count")["payments"]
        return count


def take_stock(demo: Demo) -> int:
    """Workspace, old server room, discovery, labels; returns the servers found."""
    with demo.step("pse init --sample") as told:
        demo.pse("init", "--sample")
        told.append("a workspace, its keys, a signed sample register")
    with demo.step("pse lab start") as told:
        told.append(f"{counted(len(demo.pse('lab', 'start')['items']), 'host')} of the old server room")
    with demo.step("pse discover --accept-new") as told:
        found = demo.pse("discover", "--accept-new")
        told.append(", ".join(counted(found["estate"][f"{noun}s"], noun) for noun in ("server", "flow", "database")))
    with demo.step("pse label") as told:
        labels = demo.pse("label")["items"]
        told.append(", ".join(f"{row['workload']} {row['category']}" for row in labels))
    servers: int = found["estate"]["servers"]
    return servers


def decide(demo: Demo) -> dict[str, Any]:
    """Plan twice, cost, preview, and a wrong place that is refused at the plan; returns the plan."""
    with demo.step("pse plan, twice") as told:
        plan: dict[str, Any] = demo.pse("plan")
        again = demo.pse("plan")
        if plan["hash"] != again["hash"]:
            raise DemoFailed("the same inputs gave two plans")
        told += [
            counted(len(plan["items"]), "workload"),
            counted(len(plan["waves"]), "wave"),
            f"hash {plan['hash'][:12]} both times",
        ]
    with demo.step("the payments database sent to the outside CSP, at the plan") as told:
        told.append(_forced_place(demo))
    with demo.step("pse cost") as told:
        cost = demo.pse("cost", plan["path"])
        total = cost["total"]
        told.append(
            f"{cost['currency']} {total['monthly']} a month, {counted(total['no_price'], 'line')} without a price"
        )
        told.append(f"the in-country mandate costs {cost['mandate_monthly']} a month")
    with demo.step("pse preview") as told:
        operations = demo.pse("preview", plan["path"])["operations"]
        told.append(", ".join(f"{count} {verb}" for verb, count in operations.items() if count))
        new = [row["workload"] for row in plan["items"] if not row["members"]]
        told.append(f"{', '.join(new)} of environments/ is only previewed: the demo builds what moves")
    return plan


def _forced_place(demo: Demo) -> str:
    words = demo.root / "workloads.toml"
    kept = words.read_text()
    words.write_text(kept.replace("[workload.portal]", f'[workload.portal]\nplace = "{FORBIDDEN}"', 1))
    try:
        refused = demo.pse("plan", "--out", str(demo.root / "plans" / "wrong-place"), expect=1)
    finally:
        words.write_text(kept)
        shutil.rmtree(demo.root / "plans" / "wrong-place", ignore_errors=True)
    if refused["refused"] != ["portal"]:
        raise DemoFailed(f"the plan refused {refused['refused']}, not the portal alone")
    demo.refusals += 1
    (decision,) = (row for row in refused["items"] if row["workload"] == "portal")
    return "refused by " + ", ".join(refusal["rule"] for refusal in decision["refusals"])


def provision(demo: Demo, plan: dict[str, Any]) -> int:
    """An edited plan is refused; then the waves' stacks come up; returns the number of resources."""
    with demo.step("plan.json edited to the outside CSP, hashes made to fit") as told:
        told.extend(forged_plan(demo, Path(plan["path"])))
    waves = [word for wave in plan["waves"] for word in ("--wave", str(wave["number"]))]
    with demo.step("pse up") as told:
        stacks = demo.pse("up", plan["path"], *waves, "--yes")["items"]
        resources = sum(len(stack["resources"]) for stack in stacks)
        told += [counted(len(stacks), "stack"), counted(resources, "resource")]
        told.append(counted(sum(len(s["servers"]) for s in stacks), "server"))
    with demo.step("pse up again") as told:
        again = demo.pse("up", plan["path"], *waves, "--yes")["items"]
        if again != stacks:
            raise DemoFailed("a second `pse up` changed something")
        told.append("nothing to do")
    with demo.step("pse audit") as told:
        audited = demo.pse("audit", plan["path"])["items"]
        told.append(f"{counted(len(audited), 'stack')} judged: all rests where it may")
    return resources


def forged_plan(demo: Demo, path: Path) -> list[str]:
    """Move the portal in a copy of the plan, make every hash fit again, and try it three times.

    `pse up` has to refuse it with the signature of the plan that it was; signed anew with the workspace's own key it is
    refused all the same, by its gate; and so has the plugin's Check when a bare Pulumi program asks for the same place.
    """
    bundle = Bundle.read(Workspace(demo.root), path)
    units = {**bundle.units, "portal": msgspec.structs.replace(bundle.units["portal"], place=FORBIDDEN)}
    signed = Bundle.sealed(Workspace(demo.root), bundle.plan, units=units, gates=bundle.gates, verdicts=bundle.verdicts)
    folder = demo.root / "plans" / "forged"
    signed.write(folder)
    try:
        demo.pse("up", str(folder), "--unit", "portal", "--yes", expect=3)
        (folder / SIGNATURE).write_text(bundle.signature + "\n")
        demo.pse("up", str(folder), "--unit", "portal", "--yes", expect=3)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if not bare.refused(demo.root, FORBIDDEN):
        raise DemoFailed("a bare Pulumi program may build at the forbidden place")
    seen = demo.pse("ledger", "show")["items"]
    gates = sorted({entry["data"]["gate"] for entry in seen if entry["kind"] == "refusal"})
    if not {"plan", "check"} <= set(gates):
        raise DemoFailed(f"the ledger has refusals of {gates} only")
    demo.refusals += 2
    return [
        "`pse up` refused it, signed or not, and the plugin's Check a bare Pulumi program",
        f"gates in the ledger: {', '.join(gates)}",
    ]


def move(demo: Demo, plan: dict[str, Any]) -> dict[str, Any]:
    """Migrate with a kill in the middle, roll the portal back with a row of the new side kept, cut over again."""
    before = demo.rows()
    with demo.step("pse migrate, killed with SIGKILL while it copies") as told:
        told.append(f"killed at «{demo.kill_during_seed('migrate', plan['path'], '--yes')}»")
    with demo.step("pse migrate again") as told:
        campaign: dict[str, Any] = demo.pse("migrate", plan["path"], "--yes")
        told.extend(summary(campaign))
    with demo.step("a payment on the new side, then pse rollback of the portal") as told:
        paid = demo.portal("/pay", method="POST")["id"]
        demo.pse("rollback", "portal", plan["path"], "--yes")
        if demo.rows() != before + 1:
            raise DemoFailed(f"the old side has {demo.rows()} payments, not {before + 1}")
        told.append(f"payment {paid} is on the old side: {counted(before + 1, 'row')}")
    with demo.step("pse migrate, the second cut-over of the portal") as told:
        campaign = demo.pse("migrate", plan["path"], "--workload", "portal", "--yes")
        demo.portal("/pay", method="POST")
        if demo.rows() != before + 2:
            raise DemoFailed(f"the new side has {demo.rows()} payments, not {before + 2}")
        told.append(f"{counted(before + 2, 'row')} on the new side")
    with demo.step("pse status, pse audit, pse ledger verify") as told:
        campaign = demo.pse("status", plan["path"])
        demo.pse("audit", plan["path"])
        told += [
            *summary(campaign),
            counted(demo.pse("ledger", "verify")["entries"], "entry", "entries") + " in the ledger",
        ]
    return campaign


def summary(campaign: dict[str, Any]) -> list[str]:
    """A campaign in a few words."""
    moved = campaign["items"]
    return [
        f"{sum(w['state'] == 'verified' for w in moved)} of {len(moved)} verified",
        counted(sum(w["bytes_moved"] for w in moved), "byte"),
        counted(sum(len(w["checks"]) for w in moved), "check"),
        counted(sum(w["mismatches"] for w in moved), "mismatch", "mismatches"),
        *(f"{w['workload']} down {w['downtime_s']:.2f} s" for w in moved if w["downtime_s"] is not None),
    ]


def clean_up(demo: Demo) -> None:
    """Leave nothing running; the workspace stays for reading."""
    with demo.step("pse close, pse destroy, pse lab stop") as told:
        if (demo.root / ".pse" / "dbos.db").exists():
            demo.pse("close", "--yes")
        demo.pse("destroy", "--with-moved-data", "--yes")
        demo.pse("lab", "stop")
        told.append("nothing is left running")


def run(root: Path, *, keep: bool) -> dict[str, Any]:
    """The whole way; returns the figures of `make demo`."""
    demo = Demo(root)
    try:
        servers = take_stock(demo)
        plan = decide(demo)
        resources = provision(demo, plan)
        campaign = move(demo, plan)
        with demo.step("pse report") as told:
            report = demo.pse("report", plan["path"])["report"]
            told.append("one HTML file")
    finally:
        if not keep and (root / "pse.toml").exists():
            clean_up(demo)
    moved = campaign["items"]
    mismatches = sum(w["mismatches"] for w in moved)
    print(f"\nThe report:  {from_here(report)}\nThe plan:    {from_here(plan['path'])}")
    print(f"The ledger:  {from_here(root / '.pse' / 'ledger.jsonl')}\nThe log:     {from_here(demo.log)}")
    if keep:
        print(left_standing(root))
    return {
        "target": "demo",
        "verified": mismatches == 0 and bool(moved) and all(w["state"] == "verified" for w in moved),
        "servers": servers,
        "workloads": sum(bool(decision["members"]) for decision in plan["items"]),
        "refusals": demo.refusals,
        "resources": resources,
        "bytes_moved": sum(w["bytes_moved"] for w in moved),
        "mismatches": mismatches,
        "downtime_s": {w["workload"]: w["downtime_s"] for w in moved},
        "report": from_here(report),
    }


def from_here(path: str | Path) -> str:
    """``path`` as one would type it here: relative where it lies below this folder."""
    found, here = Path(path), Path.cwd()
    return str(found.relative_to(here) if found.is_relative_to(here) else found)


def left_standing(root: Path) -> str:
    """What a person has to know after a run that was kept."""
    return (
        f"\nHosts are left running. Stop them with `pse lab stop --workspace {from_here(root)}`.\n"
        "The next `make demo` stops them too, and starts anew: what is in this workspace is then gone."
    )


def main() -> int:
    """Read the command line, run, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path(".demo/ministry"), help="made anew each time")
    parser.add_argument("--keep", action="store_true", default=os.environ.get("KEEP") == "1", help="leave it standing")
    given = parser.parse_args()
    root = given.workspace.resolve()
    if (root / "pse.toml").exists():
        # An earlier run that was kept, or killed, may have left hosts running.
        Demo(root).pse("lab", "stop")
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    root.with_name(f"{root.name}.log").unlink(missing_ok=True)
    try:
        figures = run(root, keep=given.keep)
    except DemoFailed as exc:
        print(f"the demo failed: {exc}", file=sys.stderr)
        return 1
    print(json.dumps(figures))
    return 0 if figures["verified"] else 1


if __name__ == "__main__":
    sys.exit(main())
