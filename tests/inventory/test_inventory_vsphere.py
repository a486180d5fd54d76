"""vSphere asked live: govmomi's simulator of vCenter, with machines made odd."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from inventory.importers import read_file
from inventory.importers.machines import Parts
from inventory.vsphere import collecting
from inventory.vsphere.connection import pin_of, target_of
from inventory.vsphere.importing import read_vsphere
from inventory.vsphere.machines import Records, shared_luns
from pse.core.documents.snapshot import Sighting
from pse.core.findings import Severity
from tests.inventory.vcsim import MACHINES, PASSWORD, Vcsim


def read(vcsim: Vcsim) -> dict[str, Sighting]:
    found = read_vsphere(target_of(vcsim.url), PASSWORD, pin=pin_of(vcsim.pin))
    assert (found.rows, found.servers, found.templates, found.skipped) == (MACHINES, MACHINES - 1, 1, 0)
    return {s.server.hostname: s for s in found.sightings}


def codes(sighting: Sighting) -> list[tuple[str, Severity]]:
    assert all(f.remedy and f.source.startswith(sighting.source) for f in sighting.findings)
    return [(f.code, f.severity) for f in sighting.findings]


def test_machines_are_read_as_they_are(vcsim: Vcsim) -> None:
    found = read(vcsim)
    plain = found["DC0_C0_RP0_VM1"]
    assert (plain.server.vcpus, plain.server.memory_mib, plain.server.power_state) == (1, 32, "on")
    assert plain.server.virtual == "vmware"
    assert plain.server.tags == ("cluster=DC0_C0", "datacenter=DC0")
    assert [(d.size_mib, d.kind) for d in plain.disks] == [(10240, "disk")]
    assert plain.nics[0].mac == plain.identity["macs"]
    assert plain.identity["uuid"]
    assert codes(plain) == []


def test_what_stops_or_delays_a_move_is_found(vcsim: Vcsim) -> None:
    found = read(vcsim)
    assert [d.kind for d in found["DC0_H0_VM0"].disks] == ["disk", "shared"]
    assert codes(found["DC0_H0_VM0"]) == [("PSE-I106", Severity.ERROR)]
    assert codes(found["DC0_H0_VM1"]) == []
    assert codes(found["DC0_H0_VM2"]) == [("PSE-I121", Severity.WARNING), ("PSE-I126", Severity.INFO)]
    assert "with secure boot" in found["DC0_H0_VM2"].findings[1].message
    assert codes(found["DC0_H0_VM3"]) == [
        ("PSE-I105", Severity.ERROR),
        ("PSE-I120", Severity.WARNING),
        ("PSE-I140", Severity.WARNING),
    ]
    (snapshots,) = found["DC0_C0_RP0_VM0"].findings
    assert (snapshots.code, snapshots.message) == ("PSE-I129", "it has 2 snapshots, which do not move")
    assert found["DC0_C0_RP0_VM0"].server.tags == (
        "Owner of it=Finance",
        "cluster=DC0_C0",
        "datacenter=DC0",
        "folder=works",
    )
    template = found["DC0_H0_VM4"].server
    assert (template.is_template, template.power_state) == (True, "off")


def test_raw_luns_are_told_and_one_in_two_machines_is_shared() -> None:
    """Made objects: the simulator breaks down at a disk that is a LUN."""
    records = Records({}, {}, "vc")
    one, two, three = (records.of(f"vm-{n}", {"name": f"vm{n}", **lun(name)}, "s") for n, name in enumerate("aab"))
    shared = shared_luns([one, two, three])
    assert [[d.kind for d in m.parts(shared, "s").disks] for m in (one, two, three)] == [
        ["shared"],
        ["shared"],
        ["rdm"],
    ]
    assert all([f.code for f in m.parts(shared, "s").findings] == ["PSE-I106"] for m in (one, two, three))


def lun(name: str) -> dict[str, Any]:
    from pyVmomi import vim

    backing = vim.vm.device.VirtualDisk.RawDiskMappingVer1BackingInfo(fileName="", lunUuid=name)
    disk = vim.vm.device.VirtualDisk(key=1, capacityInKB=1024, backing=backing)
    return {"config.hardware.device": [disk]}


def test_a_machine_of_which_nothing_may_be_seen_has_its_name_at_least() -> None:
    machine = Records({}, {}, "vc").of("vm-1", {"name": "hidden"}, "s")
    assert machine.cells["name"] == "hidden"
    assert machine.parts((), "s") == Parts()


def test_one_machine_that_makes_no_sense_stops_no_other(vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Records.of

    def of(self: Records, name: str, values: Any, source: str) -> Any:
        odd = {**values, "summary.storage": "none"} if values["name"] == "DC0_H0_VM1" else values
        return plain(self, name, odd, source)

    monkeypatch.setattr(Records, "of", of)
    found = read_vsphere(target_of(vcsim.url), PASSWORD, pin=pin_of(vcsim.pin))
    assert (found.rows, found.skipped) == (MACHINES, 1)
    (finding,) = found.findings
    assert (finding.code, finding.severity, finding.subject) == ("PSE-I020", Severity.ERROR, "DC0_H0_VM1")


def test_folders_in_a_circle_have_an_end() -> None:
    records = Records({"group-1": ("group-v", "a", "group-2"), "group-2": ("group-v", "b", "group-1")}, {}, "vc")
    from pyVmomi import vim

    assert records.of("vm-1", {"name": "x", "parent": vim.Folder("group-1")}, "s").cells["name"] == "x"


def test_records_are_those_of_rvtools(vcsim: Vcsim, tmp_path: Path) -> None:
    with vcsim.content() as content:
        about = content.about.instanceUuid
        machines = dict(collecting.machines(content))
    (name, values), *_ = ((n, v) for n, v in machines.items() if v["name"] == "DC0_C0_RP0_VM1")
    live = read(vcsim)["DC0_C0_RP0_VM1"]
    storage = values["summary.storage"]
    row = {
        "VM": values["name"],
        "Powerstate": values["runtime.powerState"],
        "Template": "False",
        "CPUs": values["config.hardware.numCPU"],
        "Memory": values["config.hardware.memoryMB"],
        "Provisioned MiB": (storage.committed + storage.uncommitted) / 2**20,
        "In Use MiB": storage.committed / 2**20,
        "Datacenter": "DC0",
        "Cluster": "DC0_C0",
        "OS according to the configuration file": values["config.guestFullName"],
        "VM ID": name,
        "SMBIOS UUID": values["config.uuid"],
        "VM UUID": values["config.instanceUuid"],
        "VI SDK UUID": about,
    }
    same = {"VM": row["VM"], "VM ID": name, "VM UUID": row["VM UUID"], "VI SDK UUID": about}
    nic = {**same, "NIC label": live.nics[0].name, "Mac Address": live.nics[0].mac}
    disk = {**same, "Disk": live.disks[0].name, "Capacity MiB": 10240}
    for tab, cells in (("vInfo", row), ("vNetwork", nic), ("vDisk", disk)):
        text = "\n".join(",".join(str(cell) for cell in line) for line in (cells.keys(), cells.values()))
        (tmp_path / f"RVTools_tab{tab}.csv").write_text(text + "\n", "utf-8")
    (exported,) = read_file(tmp_path / "RVTools_tabvInfo.csv")[2].sightings
    source = msgspec.structs.replace(exported.server, sources=live.server.sources)
    assert source == live.server
    assert (exported.disks, exported.nics, exported.findings) == (live.disks, live.nics, live.findings)
    assert exported.identity == live.identity


@pytest.mark.parametrize("page", [1, 3, MACHINES, MACHINES + 1])
def test_pages_of_any_size_give_each_machine_once(vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(collecting, "PAGE", page)
    assert len(read(vcsim)) == MACHINES


def test_a_page_is_asked_for_when_the_one_before_is_done(vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "PAGE", 2)
    with vcsim.content() as content:
        asked: list[int] = []
        collector = content.propertyCollector
        ahead = collecting.machines(Watched(content, Counting(collector, asked)))
        for seen, _ in enumerate(ahead, start=1):
            assert len(asked) == (seen + 1) // 2, "no page ahead of its time is held"
            if seen == 5:
                break
        ahead.close()  # type: ignore[attr-defined]  # a generator
        assert asked[-1] == -1, "what is left of the list is given back"
        assert not content.viewManager.viewList


class Watched:
    """The content of a service with another collector."""

    def __init__(self, content: Any, collector: "Counting") -> None:
        self.viewManager, self.rootFolder = content.viewManager, content.rootFolder
        self.propertyCollector = collector


class Counting:
    """A collector that notes each page, and -1 for a list that is given back."""

    def __init__(self, collector: Any, asked: list[int]) -> None:
        self._collector, self._asked = collector, asked

    def RetrievePropertiesEx(self, specs: Any, options: Any) -> Any:  # noqa: N802 - the API's own name
        self._asked.append(1)
        return self._collector.RetrievePropertiesEx(specs, options)

    def ContinueRetrievePropertiesEx(self, token: str) -> Any:  # noqa: N802 - the API's own name
        self._asked.append(1)
        return self._collector.ContinueRetrievePropertiesEx(token)

    def CancelRetrievePropertiesEx(self, token: str) -> Any:  # noqa: N802 - the API's own name
        self._asked.append(-1)
        return self._collector.CancelRetrievePropertiesEx(token)
