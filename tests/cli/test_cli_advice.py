"""A wrong key or value in a file is named with its row and with what may stand there."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from pse.core.documents.environment import Environment
from pse.core.documents.workloads import Workloads
from pse.core.errors import BadInput
from pse.core.settings import Settings, parse_toml
from tests.cli.conftest import Run


class Bounded(msgspec.Struct):
    count: Annotated[int, msgspec.Meta(ge=1)] | None = None


class Many(msgspec.Struct):
    row: Annotated[tuple[Bounded, ...], msgspec.Meta(max_length=3)] = ()


GOOD_ROW = '[[label]]\ncategory = "open"\nhosts = ["*"]\n'


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            'category = "top secret"\nhosts = ["*"]',
            ["'top secret'", "$.label[1].category", "open, public, restricted, sensitive, secret"],
        ),
        ('category = "opne"\nhosts = ["*"]', ["did you mean open?"]),
        ('category = "open"\nhost = ["*"]', ["`host`", "$.label[1]", "did you mean hosts?", "owner"]),
        ('category = "open"\nhosts = "*"', ["$.label[1].hosts"]),
    ],
)
def test_labels(run: Run, tmp_path: Path, row: str, words: list[str]) -> None:
    file = tmp_path / "labels.toml"
    file.write_text(f"{GOOD_ROW}[[label]]\n{row}\n")
    done = run("label", file)
    assert done.exit_code == 4
    assert [word for word in words if word not in " ".join(done.stderr.split())] == []


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (Workloads, '[workload.a]\n[workload.b.host.c]\npath = ["/srv"]', ["$.workload.b.host.c", "paths"]),
        (Many, "[[row]]\ncount = 1\n[[row]]\ncount = 0", ["$.row[1].count", ">= 1"]),
        (Workloads, '[workload.a]\nstrategy = "lift"', ["$.workload.a.strategy", "rehost"]),
        (Settings, 'entity = "x"\nentty = "y"', ["`entty`", "did you mean entity?"]),
        (Settings, 'entity = "x"\n[plan]\nwaves = 3', ["$.plan", "wave_servers"]),
        (
            Environment,
            'category = "open"\n[[servers]]\nrole = "web"',
            ["missing required field `vcpus`", "$.servers[0]"],
        ),
    ],
)
def test_other_files(kind: type, text: str, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        parse_toml(text.encode(), kind, where="file")
    assert [word for word in words if word not in caught.value.message] == []
    assert caught.value.hint


def test_rows_are_numbered_as_people_count_and_quotes_are_asked_for() -> None:
    with pytest.raises(BadInput, match=r"\$\.servers\[1\]\.role` \(row 2 of servers\)") as caught:
        parse_toml(
            b'category = "open"\n[[servers]]\nrole = "a"\nvcpus = 1\nmemory_mib = 1\n[[servers]]\nrole = 1.5',
            Environment,
            where="file",
        )
    assert caught.value.hint == "Put the value in quotes."
    with pytest.raises(BadInput, match="not TOML") as caught:
        parse_toml(b"price = ", Environment, where="file")
    assert "quotes" in caught.value.hint
