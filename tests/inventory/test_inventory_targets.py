"""Hosts out of ranges and other tools' files: what each says, and what is refused by name."""

import getpass
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import inventory
from inventory.ansible_hosts import read_ini, read_yaml
from inventory.hosts import HostEntry, load_hosts
from inventory.ssh_config import read_ssh_config
from inventory.targets import KINDS, kind_of
from pse.core.errors import BadInput
from pse.core.settings import Workspace
from tests.inventory.sshd import Sshd

SSH_CONFIG = """\
# Sample
Host gate
    HostName 192.0.2.1
    User jumper
Host web* !web9
    Port 2200
    ProxyJump gate
Host web1 web9
    HostName %h.example.org
Host db
    HostName=192.0.2.7
    IdentityFile ~/.ssh/db
    ProxyJump ops@far.example.org:2222,gate
Host *
    User admin
    Port 22
"""

INI = """\
lone ansible_host=192.0.2.9
[web]
web[01:03].example.org ansible_port=2200
[db]
db-[a:b] ansible_host=192.0.2.5 ansible_user="data base"
[prod:children]
web
db
[prod:vars]
ansible_user=deploy
ansible_ssh_common_args='-o ProxyJump=ops@gate.example.org'
[web:vars]
ansible_ssh_private_key_file=keys/web
"""

YAML = """\
all:
  vars: {ansible_user: deploy, ansible_become_password: !vault "canary"}
  hosts:
    lone: {ansible_host: 192.0.2.9}
  children:
    prod:
      children:
        web:
          hosts: {"web[1:2].example.org": {ansible_port: 2200}}
          vars: {ansible_user: web}
"""


def entries(root: Path, hosts: str, *, ranges: bool = False) -> dict[str, HostEntry]:
    (root / "pse.toml").write_text('entity = "Test"\n', encoding="utf-8")
    (root / "hosts.toml").write_text(f'[defaults]\nuser = "u"\nkey = "file:k"\n{hosts}', encoding="utf-8")
    return {entry.name: entry for entry in load_hosts(Workspace(root), ranges=ranges)}


def test_an_ssh_config_gives_the_first_value_of_each_option() -> None:
    found = {line.name: line for line in read_ssh_config(SSH_CONFIG, where="config")}
    assert list(found) == ["gate", "web1", "web9", "db", "far.example.org"]
    assert (found["web1"].address, found["web1"].port, found["web1"].jump) == ("web1.example.org", 2200, "gate")
    assert (found["web9"].port, found["web9"].jump) == (22, None)
    assert (found["gate"].user, found["db"].user) == ("jumper", "admin")
    assert (found["db"].key, found["db"].jump) == ("file:~/.ssh/db", "gate")
    assert (found["far.example.org"].user, found["far.example.org"].port) == ("ops", 2222)


@pytest.mark.parametrize("line", ["Match exec true", "Include other", "Host a\n Port x", "Host a\n ProxyJump ::"])
def test_what_an_ssh_config_may_hide_is_refused(line: str) -> None:
    with pytest.raises(BadInput, match="config"):
        read_ssh_config(f"{line}\n", where="config")


def test_an_ansible_inventory_in_ini_form() -> None:
    found = {line.name: line for line in read_ini(INI, where="hosts")}
    assert list(found) == [
        *("lone", "web01.example.org", "web02.example.org", "web03.example.org", "db-a", "db-b", "gate.example.org")
    ]
    web, db = found["web02.example.org"], found["db-b"]
    assert (web.address, web.port, web.user, web.key) == ("web02.example.org", 2200, "deploy", "file:keys/web")
    assert (web.jump, web.tags) == ("gate.example.org", ("group=prod", "group=web"))
    assert (db.address, db.user) == ("192.0.2.5", "data base")
    assert (found["lone"].user, found["lone"].tags, found["lone"].jump) == ("", (), None)
    assert found["gate.example.org"].user == "ops"


def test_an_ansible_inventory_in_yaml_form() -> None:
    found = {line.name: line for line in read_yaml(YAML, where="hosts")}
    assert list(found) == ["lone", "web1.example.org", "web2.example.org"]
    assert (found["lone"].address, found["lone"].user) == ("192.0.2.9", "deploy")
    assert (found["web1.example.org"].user, found["web1.example.org"].port) == ("web", 2200)
    assert found["web1.example.org"].tags == ("group=prod", "group=web")
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a ansible_host='{{ x }}'", "template"),
        ("a ansible_port=ssh", "TCP port"),
        ("h[1:999999999].example", "more than"),
        ("h[a:bb]", "cannot be read"),
        ("[a:children]\nb\n[b:children]\na\n", "circle"),
        ("a 'b", "cannot be read"),
    ],
)
def test_inventories_that_cannot_be_used_say_why(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_ini(text, where="hosts")


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=200), st.integers(0, 300), st.integers(0, 300))
def test_any_text_is_read_or_refused(kind: str, text: str, cut: int, at: int) -> None:
    whole = {"ssh-config": SSH_CONFIG, "ansible-ini": INI, "ansible-yaml": YAML}[kind]
    with suppress(BadInput):
        KINDS[kind](whole[:cut] + text + whole[at:], where="x")


def test_files_are_told_apart() -> None:
    csv = "Name,Address,User\nweb,192.0.2.1,u\n"
    kinds = [kind_of("hosts", text) for text in (SSH_CONFIG, INI, YAML, csv)]
    assert kinds == ["ssh-config", "ansible-ini", "ansible-yaml", "csv"]


def test_included_files_are_hosts_like_others(tmp_path: Path) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "inventory").write_text(INI, encoding="utf-8")
    (folder / "list.csv").write_text("name,address,port,jump,tags\nmail,192.0.2.4,22,lone,a=b;c=d\n", encoding="utf-8")
    found = entries(
        tmp_path,
        '[[host]]\nname = "one"\naddress = "192.0.2.1"\n[[include]]\nfile = "other/inventory"\n'
        '[[include]]\nfile = "other/list.csv"\ntags = ["from=list"]\n',
    )
    assert (found["one"].user, found["lone"].user) == ("u", "u")
    assert found["web01.example.org"].key == f"file:{folder}/keys/web"
    assert (found["mail"].jump, found["mail"].tags) == ("lone", ("a=b", "c=d", "from=list"))


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        ('[[include]]\nfile = "absent"\n', "absent"),
        ('[[include]]\nfile = "pse.toml"\nkind = "xml"\n', "no such kind"),
        ('[[range]]\ncidr = "10.0.0.0/8"\n', "more than"),
        ('[[range]]\ncidr = "10.0.0"\n', "not a range"),
    ],
)
def test_includes_and_ranges_that_cannot_be_used_say_why(tmp_path: Path, hosts: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        entries(tmp_path, hosts, ranges=True)


def test_a_range_leaves_out_what_is_named_otherwise(tmp_path: Path) -> None:
    text = (
        '[[host]]\nname = "one"\naddress = "192.0.2.1"\n'
        '[[range]]\ncidr = "192.0.2.0/29"\nomit = ["192.0.2.4/31"]\nport = 2222\n'
    )
    assert list(entries(tmp_path, text)) == ["one"], "whoever plans knows nothing of addresses where nobody need be"
    found = entries(tmp_path, text, ranges=True)
    assert list(found) == ["one", "192.0.2.2", "192.0.2.3", "192.0.2.6"]
    assert found["192.0.2.2"].port == 2222


def test_what_does_not_answer_in_a_range_is_counted_and_no_finding(tmp_path: Path, sshd: Sshd, login_key: Path) -> None:
    (tmp_path / "pse.toml").write_text('entity = "Test"\n[discovery]\nbackoff_s = 0.05\n', encoding="utf-8")
    net = sshd.address.rpartition(".")[0]
    last = int(sshd.address.rpartition(".")[2])
    (tmp_path / "hosts.toml").write_text(
        f'[defaults]\nuser = "{getpass.getuser()}"\nkey = "file:{login_key}"\nport = {sshd.port}\n'
        f'[[range]]\ncidr = "{net}.{last // 4 * 4}/30"\n[[range]]\ncidr = "{sshd.address}/32"\n',
        encoding="utf-8",
    )
    found = inventory.discover(Workspace(tmp_path), accept_new=True)
    assert [(r.host, r.status) for r in found.hosts] == [(sshd.address, "ok")]
    assert found.empty in {1, 2}
    assert not [f for f in found.findings if f.code == "PSE-I001"]
