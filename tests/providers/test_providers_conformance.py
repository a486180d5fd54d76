"""Every adapter of this tree under the conformance suite: a rig each."""

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from providers import registry
from providers.conformance import (
    Contract,
    EngineContract,
    HostileContract,
    KindContract,
    Rig,
    StoreContract,
    Trouble,
    behaviours,
)
from providers.conformance.plugin import Results
from providers.conformance.rig import rigged
from providers.lab import LabProvider
from providers.ports import Provider, Target
from providers.registry import fitted
from pse.core.settings import Workspace
from tests.nameserver import NameServer, name_server
from tests.providers.filetrouble import FileTrouble, LabQuotas
from tests.providers.house import HERE, House
from tests.providers.outside.filecloud import FileCloud
from tests.require import require

MARKHOR = "sample-markhor/islamabad/ict-1"


_ANY = "its files take whatever they are given"


class TestFileCloud(StoreContract):
    adapter = FileCloud
    unable: ClassVar[Mapping[str, str]] = {
        "same_intent_twice_is_one_object": "it knows no tokens: what is asked for twice is made twice",
        "server_has_an_address_in_its_subnet": "a file has no address",
        "server_says_how_it_is_reached_and_shows_no_secret": _ANY,
        "fingerprint_of_a_key_is_that_of_openssh": _ANY,
        "unknown_image_is_refused_and_makes_nothing": _ANY,
        "unknown_shape_is_refused_and_makes_nothing": _ANY,
        "unknown_storage_class_is_refused_and_makes_nothing": _ANY,
        "range_that_is_none_is_refused": _ANY,
        "subnet_outside_its_network_is_refused": _ANY,
        "subnet_over_another_is_refused": _ANY,
        "volume_of_no_size_is_refused": _ANY,
        "key_that_is_none_is_refused": _ANY,
        "rule_that_is_none_is_refused_and_opens_nothing": _ANY,
        "volume_is_attached_once": _ANY,
    }

    @pytest.fixture
    def rig(self, house: House) -> Iterator[Rig]:
        with file_rig(house) as rig:
            yield rig


@contextmanager
def file_rig(house: House) -> Iterator[Rig]:
    """A rig on the file cloud."""
    target = Target(place=HERE, country="PK", endpoint="lab:north", workspace=house.root)
    with rigged(FileCloud(target), place=HERE, again=lambda: FileCloud(target)) as rig:
        yield rig


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One sample workspace for all: its places' accounts are empty again after each test."""
    from providers.lab import hosts, sample
    from providers.lab.files import remove_tree

    require("bwrap", "sshd")
    workspace = sample.create(tmp_path_factory.mktemp("lab") / "sample")
    yield workspace
    hosts.stop(workspace)
    remove_tree(workspace.private / "lab" / "hosts")


_QUOTA = "used_up_quota_is_told_with_the_clouds_code_and_makes_nothing"
_NO_WAY = "no network lies between: it works on this machine's files"
_SHARED = "all lab servers share the machine's own network"


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    """A name server for the lab's zones and records."""
    with name_server(tmp_path_factory.mktemp("names")) as server:
        yield server


class TestLab(StoreContract):
    adapter = fitted("lab", {"dns_server": "there is one"})
    unable: ClassVar[Mapping[str, str]] = {
        "server_has_an_address_in_its_subnet": _SHARED,
        "subnet_over_another_is_refused": _SHARED,
        "unknown_storage_class_is_refused_and_makes_nothing": "a folder is on whatever disk there is",
    }

    @pytest.fixture
    def rig(self, lab: Workspace, names: NameServer) -> Iterator[Rig]:
        with lab_rig(lab, self.adapter, names.options) as rig:
            yield rig


@contextmanager
def lab_rig(lab: Workspace, adapter: type[Provider], options: Mapping[str, str]) -> Iterator[Rig]:
    """A rig on the lab."""
    target = Target(place=MARKHOR, country="PK", endpoint="lab:sample-markhor", workspace=lab.root, options=options)
    key = (lab.private / "ssh_key.pub").read_text().strip()
    words = {"place": MARKHOR, "public_key": key}
    with rigged(adapter(target), again=lambda: adapter(target), **words) as rig:
        yield rig


class NoWay(HostileContract):
    """For clouds that are files of this machine."""

    unable: ClassVar[Mapping[str, str]] = dict.fromkeys(set(behaviours(HostileContract)) - {_QUOTA}, _NO_WAY)


class TestFileCloudHostile(NoWay):
    adapter = FileCloud

    @pytest.fixture
    def rig(self, house: House) -> Iterator[Rig]:
        with file_rig(house) as rig:
            yield rig

    @pytest.fixture
    def trouble(self, house: House) -> Trouble:
        return FileTrouble(house.faults)


class TestLabHostile(NoWay):
    adapter = LabProvider

    @pytest.fixture
    def options(self) -> dict[str, str]:
        """Those of the place; a quota is one."""
        return {}

    @pytest.fixture
    def rig(self, lab: Workspace, options: dict[str, str]) -> Iterator[Rig]:
        with lab_rig(lab, self.adapter, options) as rig:
            yield rig

    @pytest.fixture
    def trouble(self, options: dict[str, str]) -> Trouble:
        return LabQuotas(options)


def held(contract: type[Contract]) -> set[str]:
    """Names of the adapters that some file holds to a contract."""
    here = Path(__file__).parent
    files = [path.relative_to(here).with_suffix("").parts for path in here.rglob("test_*_conformance.py")]
    modules = [importlib.import_module(".".join(("tests", "providers", *parts))) for parts in files]
    found = [value for module in modules for value in vars(module).values()]
    classes = [value for value in found if isinstance(value, type) and issubclass(value, contract)]
    return {cls.adapter.name for cls in classes if cls.__module__.startswith("tests.")}


def test_every_registered_adapter_is_held_to_the_suite() -> None:
    assert set(registry.names()) <= held(KindContract)
    # A journey is one of networks and servers.
    assert {name for name in registry.names() if "Server" in registry.load(name).kinds} <= held(EngineContract)


def test_suite_demands_at_least_sixty_behaviours() -> None:
    contracts = (StoreContract, HostileContract, EngineContract)
    demanded = [name for contract in contracts for name in behaviours(contract)]
    assert len(set(demanded)) == len(demanded) >= 60


def test_what_is_no_behaviour_or_has_no_reason_cannot_be_left_out() -> None:
    for unable in ({"no_such_thing": "why"}, {"fingerprint_of_a_key_is_that_of_openssh": ""}):
        with pytest.raises(TypeError, match="unable"):
            type("Wrong", (StoreContract,), {"unable": unable})


def test_behaviour_that_cannot_be_shown_is_in_the_table_with_its_reason() -> None:
    results = Results("")
    for behaviour, unable in (("reads", ""), ("is reached", "it has no network")):
        told: list[tuple[str, object]] = [("pse-conformance", ["lab", behaviour, {}, unable])]
        results.pytest_runtest_logreport(
            pytest.TestReport("x", ("x", 0, "x"), {}, "passed", None, "call", user_properties=told)
        )
    wanted = {"behaviours": 2, "adapters": 1, "passed": 1, "not_capable": 1, "skipped": 0, "failed": 0}
    assert results.figures() == wanted


def test_table_is_behaviours_by_adapter_with_each_reason_once() -> None:
    results = Results("")
    for adapter, behaviour, lacks, unable, outcome in (
        ("lab", "reads", {"Key": "it has none", "Zone": "it has none"}, "", "passed"),
        ("lab", "is reached", {}, "it has no network", "passed"),
        ("files", "reads", {}, "", "failed"),
    ):
        told: list[tuple[str, object]] = [("pse-conformance", [adapter, behaviour, lacks, unable])]
        results.pytest_runtest_logreport(
            pytest.TestReport("x", ("x", 0, "x"), {}, outcome, None, "call", user_properties=told)  # type: ignore[arg-type]  # a literal of pytest's
        )
    assert results.table() == [
        "            files     lab",
        "is reached  -         no",
        "reads       1 FAILED  1",
        "lab: not capable, it has no network: is reached",
        "2 behaviours, 2 adapters, 1 passed, 1 not capable, 0 skipped, 1 failed",
    ]


def test_an_adapter_that_has_it_somewhere_does_not_lack_it() -> None:
    results = Results("")
    for lacks in ({"Key": "none", "Zone": "no server"}, {"Key": "none"}, {"Key": "none", "Zone": "no server"}):
        told: list[tuple[str, object]] = [("pse-conformance", ["lab", "reads", lacks, ""])]
        results.pytest_runtest_logreport(
            pytest.TestReport("x", ("x", 0, "x"), {}, "passed", None, "call", user_properties=told)
        )
    assert results.figures()["not_capable"] == 1


def test_counts_are_made_of_what_any_process_reports() -> None:
    told = [("pse-conformance", ["lab", "reads", {"Key": "it has none"}, ""]), ("something else", 1)]
    results = Results("")
    for outcome in ("passed", "passed", "failed"):
        report = pytest.TestReport("x", ("x", 0, "x"), {}, outcome, None, "call", user_properties=told)
        results.pytest_runtest_logreport(report)
    wanted = {"behaviours": 1, "adapters": 1, "passed": 2, "not_capable": 1, "skipped": 0, "failed": 1}
    assert results.figures() == wanted
