"""Every sample of other tools with its true totals, and what holds for every importer alike."""

import re
from pathlib import Path

import pytest

import inventory
from inventory.importers import known, read_file
from inventory.importers.mapping import parse_format
from pse.core.documents.snapshot import Sighting
from pse.core.errors import BadInput, UsageError
from pse.core.settings import Workspace
from tests.inventory.samples import sample

ROOT = Path(__file__).parents[2]

# file: importer; rows, servers, templates; on, off, suspended; vCPU, memory GiB; provisioned GiB; disks, their GiB
TRUTH = {
    "RVTOOLS3-workshop-131vms.xlsx": ("rvtools", 131, 129, 2, 109, 22, 0, 438, 985.99, 39262.91, 247, 38316.94),
    "RVTOOLS4-made-blockers.xlsx": ("rvtools", 18, 17, 1, 13, 4, 1, 76, 377.12, 4533.12, 20, 4184),
    "RVTOOLS4-made-prefixed-headers.xlsx": ("rvtools", 18, 17, 1, 13, 4, 1, 76, 377.12, 4533.12, 0, 0),
    "RVTOOLSCSV-made-de-tabvInfo.csv": ("rvtools", 18, 17, 1, 13, 4, 1, 76, 377.12, 4533.12, 0, 0),
    "RVTOOLSCSV-vcsim-25vms.zip": ("rvtools", 25, 25, 0, 25, 0, 0, 155, 455, 1260, 50, 1260),
    "AZMIGRATE-export-discovery.xlsx": ("azure-migrate-report", 294, 294, 0, 250, 44, 0, 959, 2109, 0, 332, 0),
    "AZMIGRATE-export-core-perf.xlsx": ("azure-migrate-report", 294, 294, 0, 250, 0, 0, 959, 2109, 35395.20, 0, 0),
    "AZMIGRATE-made-import.csv": ("azure-migrate", 7, 7, 0, 0, 0, 0, 51, 337, 0, 7, 2550),
    "AWSADS-made-import.csv": ("aws-migration-hub", 4, 4, 0, 0, 0, 0, 22, 100, 0, 0, 0),
    "AWSMPA-made-servers.xlsx": ("aws-mpa", 3, 3, 0, 0, 0, 0, 26, 168, 2200, 0, 0),
    "GCPMC-awsexport-vmInfo.csv": ("google-migration-center", 7, 7, 0, 6, 1, 0, 21, 97.5, 0, 9, 1746),
    "GCPMC-made-vmInfo.csv": ("google-migration-center", 3, 3, 0, 2, 1, 0, 14, 81.5, 200, 2, 1200),
    "POWERCLI-made-getvm.csv": ("powercli", 4, 4, 0, 2, 1, 1, 16, 76.5, 1303.45, 0, 0),
    "LIVEOPTICS-made-vmware.xlsx": ("live-optics", 4, 3, 1, 2, 2, 0, 16, 80, 780, 3, 640),
    "NUTANIX-made-collector.xlsx": ("nutanix-collector", 3, 3, 0, 2, 1, 0, 14, 76, 740, 0, 0),
    "NETBOX-demo-virtualmachines.csv": ("netbox", 180, 180, 0, 180, 0, 0, 0, 0, 0, 0, 0),
    "NETBOX-made-bulkimport.csv": ("netbox", 4, 4, 0, 2, 0, 0, 10.5, 68.5, 640, 0, 0),
    "SERVICENOW-made-cmdb_ci_server.csv": ("servicenow", 5, 3, 0, 0, 0, 0, 19, 134, 1840.5, 0, 0),
    "ANSIBLE-made-factcache-web01.json": ("ansible-facts", 1, 1, 0, 1, 0, 0, 2, 3.65, 0, 1, 40),
    "ANSIBLE-made-factcache-phys01.json": ("ansible-facts", 1, 1, 0, 1, 0, 0, 64, 251.54, 0, 2, 2234),
    "ANSIBLE-made-setup-win01.json": ("ansible-facts", 1, 1, 0, 1, 0, 0, 2, 8, 0, 0, 0),
    "PLAIN-made-latin1.csv": ("list", 4, 3, 0, 0, 0, 0, 14, 84, 3572.5, 0, 0),
    "PLAIN-made-list.xlsx": ("list", 4, 3, 0, 0, 0, 0, 12, 48, 2136, 0, 0),
    "TFSTATE-aws-v3.json": ("terraform-state", 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "TFSTATE-aws-instance-full.json": ("terraform-state", 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 8),
    "TFSTATE-azure-v4.json": ("terraform-state", 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "TFSTATE-google-v4.json": ("terraform-state", 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "TFSTATE-google-instance-full.json": ("terraform-state", 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 10),
    "TFSTATE-openstack-lb.json": ("terraform-state", 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "TFSTATE-flexibleengine-count.json": ("terraform-state", 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "TFSTATE-multimodule.json": ("terraform-state", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
}


@pytest.mark.parametrize("name", TRUTH)
def test_samples_have_their_true_totals(name: str) -> None:
    importer, _, found = read_file(sample(name))
    sums = found.totals
    gib = (round(value / 1024, 2) for value in (sums.memory_mib, sums.provisioned_mib, sums.disk_mib))
    memory, provisioned, listed = gib
    shown = (
        *(importer.name, found.rows, found.servers, found.templates, sums.on, sums.off, sums.suspended),
        *(sums.vcpus, memory, provisioned, sums.disks, listed),
    )
    assert shown == TRUTH[name]


@pytest.mark.parametrize("name", TRUTH)
def test_every_row_is_taken_or_left_out_with_a_finding(name: str) -> None:
    _, _, found = read_file(sample(name))
    assert found.rows == found.servers + found.templates + found.skipped
    assert len(found.sightings) == found.servers + found.templates
    assert len({s.source for s in found.sightings}) == len(found.sightings)
    assert sum(f.code == "PSE-I020" for f in found.findings) >= found.skipped
    assert all(s.source.startswith(found.prefix) for s in found.sightings)


def test_no_sample_is_left_out_here() -> None:
    beside = re.compile(r"README.md|.*\.ini|GCPMC-.*-(disk|perf|tag)Info.csv")
    assert {
        path.name for path in sample("README.md").parent.iterdir() if not beside.fullmatch(path.name)
    } == TRUTH.keys()


def by_name(name: str) -> dict[str, Sighting]:
    return {s.server.hostname: s for s in reversed(read_file(sample(name))[2].sightings)}


def test_whichever_file_of_an_export_is_named_it_is_one_import(workspace: Workspace) -> None:
    inventory.import_file(workspace, sample("GCPMC-made-vmInfo.csv"))
    done = inventory.import_file(workspace, sample("GCPMC-made-diskInfo.csv"))
    assert len(done.estate.servers) == 3
    assert [f.subject for f in done.findings if f.code == "PSE-I021"] == ["vm-999"]
    assert "GCPMC-made-perfInfo.csv" in done.files


def test_peaks_tags_and_addresses_come_along() -> None:
    base = by_name("GCPMC-made-vmInfo.csv")["shop-db01"].server
    assert base.virtual == "physical"
    assert base.cpu_peak is not None
    assert 0.1 < base.cpu_peak <= 1
    assert "env=prod" in base.tags
    pay = by_name("AWSADS-made-import.csv")
    assert pay["pay-app01"].server.tags[:2] == ("application=Payments,Ledger", "owner=finance")
    assert "10.50.0.12" in pay
    shares = by_name("AWSMPA-made-servers.xlsx")
    assert [shares[n].server.cpu_peak for n in ("pay-app01", "pay-db01", "dev01")] == [0.605, 0.715, None]
    azure = by_name("AZMIGRATE-made-import.csv")
    assert azure["db01.lab.example"].server.addresses == ("10.40.0.11", "fd00::11")
    assert azure["phys01.lab.example"].server.virtual == "physical"
    assert azure["old01"].server.architecture == "i686"


def test_what_a_list_leaves_open_is_said() -> None:
    _, _, found = read_file(sample("PLAIN-made-list.xlsx"))
    assert {f.code for f in found.findings} == {"PSE-I020", "PSE-I022", "PSE-I023"}
    _, _, total = read_file(sample("PLAIN-made-latin1.csv"))
    (left,) = total.findings
    assert (left.message.rpartition(": ")[2], left.source.rpartition(":")[2]) == ("a row of totals", "7")
    assert {s.server.hostname for s in total.sightings} == {"srv-büro01", "srv02", "srv03"}


def test_a_hypervisor_and_a_second_view_of_a_server_are_left_out_with_their_reason() -> None:
    _, _, found = read_file(sample("SERVICENOW-made-cmdb_ci_server.csv"))
    left = {f.source.rpartition(":")[2]: f.message for f in found.findings if f.code == "PSE-I020"}
    assert left.keys() == {"5", "6"}
    assert "hypervisor, or" in left["5"]
    assert "row of its own" in left["6"]


def test_a_format_may_be_forced(workspace: Workspace) -> None:
    path = sample("AZMIGRATE-made-import.csv")
    assert inventory.import_file(workspace, path, format_="list").importer == "list"
    with pytest.raises(BadInput, match="no table of servers"):
        read_file(path, format_="netbox")
    with pytest.raises(UsageError, match="no such format"):
        read_file(path, format_="nothing")


def test_every_format_has_its_row_in_the_documents() -> None:
    text = (ROOT / "docs" / "importing.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE).sort() == [i.name for i in known()].sort()


def test_the_examples_of_the_documents_are_mapping_files(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "importing.md").read_text("utf-8")
    one, two = (parse_format(example, where="docs") for example in re.findall(r"```toml\n(.*?)```", text, re.DOTALL))
    assert (one.table[0].header_row, two.table[1].rows) == (3, "disks")
    example = tmp_path / "map.toml"
    example.write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0].replace('sheet = "Servers"', ""), "utf-8")
    table = tmp_path / "x.csv"
    rows = ["A title", "", "Machine;RAM;Disk;vCPU;IP;Second IP;Department;Remark 1;Rack"]
    table.write_text("\n".join([*rows, "a;16;1,5 TB;2;10.0.0.1;10.0.0.2;works;r;R7", "Total;16;;;;;;;"]), "utf-8")
    importer, _, found = read_file(table, mapping=example)
    (server,) = (s.server for s in found.sightings)
    assert (importer.title, found.rows, found.skipped) == ("Server list of the data centre", 2, 1)
    assert (server.vcpus, server.memory_mib, server.addresses) == (2, 16384, ("10.0.0.1", "10.0.0.2"))
    assert server.tags == ("Rack=R7", "owner=works")
    assert found.sightings[0].disks[0].size_mib == 1.5 * 1024**2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = 1", "Expected `str`"),
        ('title = "x"\ntable = []', "first"),
        ('title = "x"\n[[table]]\ncolumns = { nam = "Name" }', "'nam' is no field"),
        ('title = "x"\n[[table]]\nunits = { memory = "GZ" }\ncolumns = { name = "Name" }', "unit 'GZ'"),
        (
            'title = "x"\n[[table]]\nskip = [{ field = "name", matches = "(", why = "" }]\ncolumns = { name = "N" }',
            "expression",
        ),
        ("title = ", "Invalid value"),
    ],
)
def test_a_mapping_file_that_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        parse_format(text, where="map.toml")
    assert caught.value.where == "map.toml"


VARIANTS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "azure-migrate": (
        "server name;CORES;memory (in mb) (optional);*OS name;Disk 1 size;Disk 9 size (GB)\nw;2;4.096;U;10;1.020,5\n",
        (2, 4, 1030.5),
    ),
    "aws-migration-hub": (
        "RAM.TotalSizeInMB,HostName,CPU.NumberOfLogicalCores,CPU.NumberOfCores,Cost center\n8192,web,4,2,42\n",
        (4, 8, 0),
    ),
    "aws-mpa": ("HOSTNAME,Serverid,isPhysical,numCpus,numCoresPerCpu,totalRAM (GB)\na,1,no,2,4,16\n", (8, 16, 0)),
    "aws-migration-evaluator": (
        "Server Name,CPU Cores,Memory (MB),Provisioned Storage (GB),Is Virtual?,Environment\na,4,8192,100,TRUE,Prod\n",
        (4, 8, 100),
    ),
    "google-migration-center": (
        "MachineName,MachineId,MemoryGiB,AllocatedProcessorCoreCount,MachineStatus\na,1,4.0,2,VM deallocated\n",
        (2, 4, 0),
    ),
    "nutanix-prism": (
        "VM Name,IP Addresses,Cores,Memory Capacity,Storage\na,10.0.0.1,4,16 GiB,61.2 GiB / 127 GiB\n",
        (4, 16, 127),
    ),
    "powercli": (
        '"Name";"PowerState";"NumCpu";"MemoryMB";"ProvisionedSpaceGB"\n"a";"PoweredOn";"2";"4096";"44,25"\n',
        (2, 4, 44.25),
    ),
    "servicenow": (
        'Class,Name,CPU count,CPU core count,RAM (MB),Disk space (GB)\nServer,a,2,4,"16,384",100\nESX Server,e,,,,\n',
        (8, 16, 100),
    ),
    "netbox": (
        "Name,Status,Site,vCPUs,Memory (MB),Disk (GB),Primary IP\na,Active,s,2.5,4096,40,10.0.0.1/24\n",
        (2.5, 4, 40),
    ),
    "list": ("OS,Hostname,CPU,RAM_GB,Disk GB\nRHEL 7,a,4 vCPU,16,0.5 TB\n", (4, 16, 512)),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_columns_in_other_orders_cases_and_ways_of_writing(tmp_path: Path, name: str) -> None:
    text, truth = VARIANTS[name]
    path = tmp_path / "export of june.csv"
    path.write_text(text, encoding="utf-8")
    importer, _, found = read_file(path)
    sums = found.totals
    storage = sums.provisioned_mib or sums.disk_mib
    assert importer.name == name
    assert (sums.vcpus, sums.memory_mib / 1024, storage / 1024) == truth
    assert found.rows == found.servers + found.skipped


def test_a_part_of_an_export_alone_is_no_list_of_servers(tmp_path: Path) -> None:
    path = tmp_path / "RVTools_tabvDisk.csv"
    path.write_text("VM,Powerstate,Disk,Disk Key,Capacity MiB\na,poweredOn,Hard disk 1,2000,1024\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no table of servers"):
        read_file(path)
