"""Reference architectures: what fits what, and what each says of itself."""

import xml.etree.ElementTree as ET

import pytest

from blueprints.estate.view import View
from blueprints.estate.wanted import role_of
from blueprints.library.reference import architectures, references
from blueprints.model import Demand, Wanted
from blueprints.outputs.drawing import svg
from blueprints.planning.matching import Matcher, installed
from pse.core.documents.snapshot import Listener
from tests.blueprints.estates import estate, server

SVG = "{http://www.w3.org/2000/svg}"


def wanted(*roles: str, uses: tuple[int, int] | None = None, published: bool = False) -> Wanted:
    """Servers of ``roles``, of which one uses another; numbers are places in ``roles``."""
    names = [f"{role}{number}" for number, role in enumerate(roles)]
    return Wanted(
        id="w",
        category=None,
        class_id="c",
        servers=tuple(
            Demand(
                name=name,
                role=role,
                vcpus=1,
                memory_mib=1,
                os_family="debian",
                needs=(names[uses[1]],) if uses and uses[0] == number else (),
                published=published,
            )
            for number, (name, role) in enumerate(zip(names, roles, strict=True))
        ),
    )


@pytest.mark.parametrize(
    ("of", "name", "score", "words"),
    [
        (wanted("server"), "server", 10, "1 server"),
        (wanted("web", "database", uses=(0, 1)), "web-database", 90, "web0 uses a database"),
        (wanted("web", "database"), "web-database", 50, "side by side"),
        (wanted("database", "web", uses=(0, 1)), "web-database", 50, "side by side"),
        (wanted("web", "web"), "server", 10, "2 servers"),
        (wanted("files", "files"), "files", 70, "holds files"),
        (wanted("files", "server"), "server", 10, "2 servers"),
        (wanted("containers"), "containers", 65, "runs containers"),
        (wanted("containers", "server"), "containers", 40, "containers0 runs"),
        (wanted("containers", "web", "database", uses=(1, 2)), "web-database", 90, "web1"),
        (wanted("directory", "directory"), "directory", 60, "names, time or log-in"),
        (wanted("batch", "database"), "batch", 60, "batch0 runs batch"),
        (wanted("batch", "web"), "server", 10, "2 servers"),
        (wanted("batch", published=True), "server", 10, "1 server"),
    ],
)
def test_the_best_fit_is_taken_and_says_why(of: Wanted, name: str, score: int, words: str) -> None:
    chosen, reasons = Matcher().choose(of)
    assert chosen == name
    assert words in reasons[0]
    assert references()[name].fits(of).score == score


def test_nothing_but_the_lift_and_shift_server_fits_without_servers() -> None:
    assert [name for name, one in installed().items() if one.fits(wanted()).score] == ["server"]


@pytest.mark.parametrize("name", architectures())
def test_each_draws_all_of_itself_and_lists_its_controls(name: str) -> None:
    one = architectures()[name]
    drawn = svg(name, one)
    assert drawn == svg(name, one)
    root = ET.fromstring(drawn)
    words = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert {box.label for box in one.box} <= set(words)
    assert len(list(root.iter(f"{SVG}line"))) == len(one.arrow)
    for control in one.control:
        assert f"{'✓' if control.built else '○'} {control.name}" in words
    assert not list(root.iter(f"{SVG}script"))
    assert any(control.built for control in one.control)
    assert name in installed()


def test_a_name_with_markup_is_no_markup() -> None:
    one = architectures()["server"]
    assert "<b>" not in svg("<b>", one)


@pytest.mark.parametrize(
    ("words", "role"),
    [
        ({"port": 53, "service": "dns", "address": "192.0.2.1"}, "directory"),
        ({"port": 53, "service": "dns", "address": "127.0.0.53"}, "server"),
        ({"port": 10250, "process": "kubelet"}, "containers"),
        ({"port": 6817, "process": "slurmctld"}, "batch"),
        ({"port": 80, "process": "dockerd"}, "web"),
        ({"port": 22, "service": "ssh"}, "server"),
    ],
)
def test_a_role_is_told_by_what_listens(words: dict[str, object], role: str) -> None:
    listener = Listener(**{"server": "srv-a", "protocol": "tcp", "address": "0.0.0.0", **words})  # type: ignore[arg-type]  # words of a test
    one = server("a")
    assert role_of(one, View(estate((one,), (), listeners=(listener,)))) == role
