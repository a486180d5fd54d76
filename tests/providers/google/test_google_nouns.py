"""What each kind is at Google Cloud: closed networks, rules one by one, keys in metadata, private servers."""

import base64
from pathlib import Path
from typing import Any

import msgspec
import pytest

from providers.conformance import Rig
from providers.google import GoogleProvider
from providers.google.boot import startup_script
from providers.ports import PartlyMade, PortError
from pse.core.schema import FirewallRule
from tests.fakes import hostile
from tests.providers.google.cloud import KEY, PLACE, PROJECT, REGION, ZONE, Cloud, refusal, rig_of, when

FOREIGN_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1n other"
DNS = FirewallRule(direction="out", protocol="udp", port=53, peer="10.0.0.2/32", why="names — “DNS”")
PING = FirewallRule(direction="in", protocol="icmp", port=0, peer="10.0.0.0/8")


def rules_of(cloud: Cloud, firewall: str) -> dict[str, dict[str, Any]]:
    """Its rules besides itself, straight from the fake."""
    return {
        raw["name"]: raw
        for raw in cloud.fake.world.at.values()
        if firewall in raw.get("targetTags", ()) and raw["name"] != firewall
    }


def test_network_lets_nothing_out_and_says_when_it_does(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Network")
    closed = cloud.raw("firewalls", f"{made.id}-closed")
    assert (closed["direction"], closed["denied"], closed["priority"]) == ("EGRESS", [{"IPProtocol": "all"}], 65534)
    closed["disabled"] = True
    seen = rig.store("Network").read(made.id, made.inputs)
    assert seen is not None
    assert not seen.healthy
    assert rig.store("Network").update(made.id, made.inputs, made.inputs).healthy
    assert not cloud.raw("firewalls", f"{made.id}-closed")["disabled"]


def test_network_that_is_used_stays_closed(rig: Rig, cloud: Cloud) -> None:
    subnet = rig.make("Subnet")
    network = str(getattr(subnet.inputs, "network", ""))
    with pytest.raises(PortError) as caught:
        rig.store("Network").delete(network)
    assert caught.value.reason == "in-use"
    assert cloud.raw("firewalls", f"{network}-closed")
    # Somebody was faster than our look.
    rig.store("Subnet").delete(subnet.id)
    cloud.proxy.plant(refusal("resourceInUseByAnotherResource"), when=when(f"DELETE .*/networks/{network}"))
    with pytest.raises(PortError):
        rig.store("Network").delete(network)
    assert cloud.raw("firewalls", f"{network}-closed")["denied"]


def test_network_that_could_not_be_closed_is_kept_with_its_id_and_repaired(rig: Rig, cloud: Cloud) -> None:
    inputs, identity = rig.inputs("Network"), rig.identity()
    cloud.proxy.plant(refusal("forbidden", status=403), when=when("POST .*/firewalls"))
    with pytest.raises(PartlyMade) as caught:
        rig.make("Network", inputs, identity)
    (found,) = rig.store("Network").find(identity.stack, identity.urn)
    assert (found.id, found.healthy) == (caught.value.made.id, False)
    assert rig.store("Network").update(found.id, found.inputs, inputs).healthy
    rig.store("Network").delete(found.id)


def test_firewall_is_its_rules_and_drift_is_seen_and_mended(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Firewall"), rules=(DNS, PING))
    made = rig.make("Firewall", inputs)
    assert made.inputs == inputs
    rules = rules_of(cloud, made.id)
    assert sorted(rule["direction"] for rule in rules.values()) == ["EGRESS", "INGRESS"]
    assert all(rule["targetTags"] == [made.id] and not rule.get("denied") for rule in rules.values())
    # Drift: somebody opens a range of ports by a rule of his own, and widens one of ours.
    body = {
        "name": "open",
        "network": f"projects/{PROJECT}/global/networks/{getattr(inputs, 'network', '')}",
        "allowed": [{"IPProtocol": "tcp", "ports": ["1-1024"]}],
        "sourceRanges": ["0.0.0.0/0"],
        "targetTags": [made.id],
    }
    account: Any = rig.provider._account  # type: ignore[attr-defined]  # the test asks as a stranger would
    account.act("POST", "global/firewalls", body)
    mine = next(rule for rule in rules.values() if rule["direction"] == "INGRESS")
    mine["sourceRanges"] = ["0.0.0.0/0"]
    seen = rig.store("Firewall").read(made.id, inputs)
    assert seen is not None
    assert sorted(str(rule) for rule in getattr(seen.inputs, "rules", ())) != sorted(map(str, (DNS, PING)))
    assert any("ports 1-1024" in rule.why for rule in getattr(seen.inputs, "rules", ()))
    assert rig.store("Firewall").update(made.id, seen.inputs, inputs).inputs == inputs
    assert set(rules_of(cloud, made.id)) == set(rules)


def test_rules_are_permitted_before_others_are_revoked(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Firewall"), rules=(PING,))
    made = rig.make("Firewall", inputs)
    cloud.proxy.requests.clear()
    rig.store("Firewall").update(made.id, inputs, msgspec.structs.replace(inputs, rules=(DNS,)))
    changes = [request.method for request in cloud.proxy.requests if request.method != "GET"]
    assert changes == ["POST", "DELETE"]


def test_one_address_is_the_same_with_its_length_and_without(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Firewall"), rules=(DNS,))
    made = rig.make("Firewall", inputs)
    (rule,) = rules_of(cloud, made.id).values()
    rule["destinationRanges"] = [DNS.peer.removesuffix("/32")]
    assert rig.store("Firewall").read(made.id, inputs) == made


def test_foreign_rule_is_listed_by_itself(rig: Rig, cloud: Cloud) -> None:
    network = rig.make("Network")
    account: Any = rig.provider._account  # type: ignore[attr-defined]  # the test asks as a stranger would
    link = f"projects/{PROJECT}/global/networks/{network.id}"
    account.act("POST", "global/firewalls", {"name": "open", "network": link, "allowed": [{"IPProtocol": "tcp"}]})
    (found,) = rig.store("Firewall").list()
    assert (found.id, found.identity) == ("open", None)
    rig.store("Firewall").delete("open")


def test_firewall_of_another_network_is_refused_at_a_server(rig: Rig, cloud: Cloud) -> None:
    firewall = rig.make("Firewall")
    inputs = rig.inputs("Server")
    for wrong, reason in ((firewall.id, "invalid"), ("no-such-firewall", "not-found")):
        with pytest.raises(PortError) as caught:
            rig.make("Server", msgspec.structs.replace(inputs, firewalls=(wrong,)))
        assert caught.value.reason == reason
    assert "instances" not in cloud.standing()


def test_key_pair_opens_nothing_by_itself_and_leaves_the_projects_own_alone(rig: Rig, cloud: Cloud) -> None:
    project = cloud.fake.world.at[f"projects/{PROJECT}"]
    project["commonInstanceMetadata"]["items"] = [{"key": "ssh-keys", "value": f"root:{FOREIGN_KEY}"}]
    made = rig.make("KeyPair")
    items = {item["key"]: item["value"] for item in project["commonInstanceMetadata"]["items"]}
    assert items["ssh-keys"] == f"root:{FOREIGN_KEY}"
    (foreign,) = (found for found in rig.store("KeyPair").list() if found.identity is None)
    assert foreign.id.startswith("SHA256:")
    with pytest.raises(PortError, match="ssh-keys"):
        rig.store("KeyPair").delete(foreign.id)
    assert rig.store("KeyPair").read(foreign.id, None) == foreign
    rig.store("KeyPair").delete(made.id)
    assert project["commonInstanceMetadata"]["items"] == [{"key": "ssh-keys", "value": f"root:{FOREIGN_KEY}"}]
    project["commonInstanceMetadata"]["items"] = []


@pytest.mark.parametrize("key", ["no key", f"{FOREIGN_KEY}\nroot:{FOREIGN_KEY}"])
def test_what_is_no_public_key_is_refused(rig: Rig, key: str) -> None:
    with pytest.raises(PortError, match="no public key"):
        rig.make("KeyPair", msgspec.structs.replace(rig.inputs("KeyPair"), public_key=key))


def test_server_is_private_and_only_its_key_pair_opens_it(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Server")
    raw = cloud.raw("instances", made.id)
    items = {item["key"]: item["value"] for item in raw["metadata"]["items"]}
    key = str(getattr(rig.store("KeyPair").list()[0].inputs, "public_key", ""))
    assert items["ssh-keys"] == f"pse:{key}"
    assert (items["block-project-ssh-keys"], items["enable-oslogin"]) == ("TRUE", "FALSE")
    assert "accessConfigs" not in raw["networkInterfaces"][0]
    assert "serviceAccounts" not in raw
    disk = cloud.raw("disks", made.id)
    assert disk["diskEncryptionKey"]["kmsKeyName"].startswith(KEY)
    assert {aspect.what for aspect in made.outputs.placement} == {"resource", "disk", "key"}
    # Its boot disk is a part of it, and no volume; its script comes back nowhere.
    assert rig.store("Volume").list() == ()
    imported = rig.store("Server").read(made.id, None)
    assert imported is not None
    assert "exit 0" not in repr(imported)


def test_clone_with_our_labels_is_a_strangers(rig: Rig, cloud: Cloud) -> None:
    identity = rig.identity()
    made = rig.make("Volume", identity=identity)
    where = f"projects/{PROJECT}/zones/{ZONE}/disks"
    cloud.fake.world.at[f"{where}/clone"] = {**cloud.raw("disks", made.id), "name": "clone"}
    assert [found.id for found in rig.store("Volume").find(identity.stack, identity.urn)] == [made.id]
    assert {found.id: found.identity for found in rig.store("Volume").list()} == {made.id: identity, "clone": None}
    del cloud.fake.world.at[f"{where}/clone"]


def test_boot_disk_goes_with_its_server_whatever_somebody_told_google(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Server")
    (boot,) = cloud.raw("instances", made.id)["disks"]
    boot["autoDelete"] = False
    cloud.proxy.plant(hostile.cut_before, when=when("DELETE .*/disks/"))
    with pytest.raises(PortError):
        rig.store("Server").delete(made.id)
    assert cloud.standing()["disks"] == [made.id]
    rig.store("Server").delete(made.id)
    assert "disks" not in cloud.standing()


def test_host_key_is_read_from_the_console(cloud: Cloud, tmp_path: Path) -> None:
    patient = GoogleProvider(cloud.target(tmp_path, host_key_wait_s="20"))
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1m"
    said = "\n".join(
        f"Jun  1 00:00:00 web google_metadata_script_runner[512]: startup-script: {line}"
        for line in ("-----BEGIN SSH HOST KEY KEYS-----", f"{key} root@web", "-----END SSH HOST KEY KEYS-----")
    )
    with rig_of(patient) as rig:
        inputs, identity = rig.inputs("Server"), rig.identity()
        cloud.fake.world.serial[f"{inputs.name}-{identity.op[:12]}"] = said
        made = rig.make("Server", inputs, identity)
        assert getattr(made.outputs, "host_key", "") == key
        # The console is a window of the newest lines, and somebody on the server can write there.
        cloud.fake.world.serial[made.id] = said.replace("IJ6pQ0t7", "XXXXXXXX")
        assert rig.store("Server").read(made.id, inputs) == made
    patient.close()


def test_first_boot_does_what_was_given_once(tmp_path: Path) -> None:
    script = startup_script("#!/bin/sh\necho 'it''s' \\done\nEND\n")
    text = script.partition("<<'END'\n")[2].partition("\nEND\n")[0]
    assert base64.b64decode(text) == b"#!/bin/sh\necho 'it''s' \\done\nEND\n"
    assert "first-boot" in script
    assert "user-data" not in startup_script("")


def test_start_up_script_runs_the_given_one_at_the_first_boot_only(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "ssh").mkdir()
    (tmp_path / "ssh" / "ssh_host_ed25519_key.pub").write_text("ssh-ed25519 AAAA root@web\n")
    script = startup_script("#!/bin/sh\necho told\n")
    script = script.replace("/var/lib/pse", f"{tmp_path}/pse").replace("/etc/ssh", f"{tmp_path}/ssh")
    said = [
        subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout
        for _ in range(2)
    ]
    assert said[0].splitlines()[1:] == ["ssh-ed25519 AAAA root@web", "-----END SSH HOST KEY KEYS-----", "told"]
    assert said[1] == ""


def test_image_is_named_or_the_newest_of_a_family_in_a_pinned_project(rig: Rig, cloud: Cloud) -> None:
    for image, named in (("debian-12", "v20260513"), ("debian-12-bookworm-v20260310", "v20260310")):
        inputs = msgspec.structs.replace(rig.inputs("Server"), image=image)
        made = rig.make("Server", inputs)
        assert cloud.raw("disks", made.id)["sourceImage"].endswith(f"/debian-12-bookworm-{named}")
        imported = rig.store("Server").read(made.id, None)
        assert getattr(imported and imported.inputs, "image", "") == image
    for image in ("no-such", "elsewhere/debian", "Debian"):
        with pytest.raises(PortError) as caught:
            rig.make("Server", msgspec.structs.replace(made.inputs, image=image))
        assert caught.value.reason == "not-found"


def test_programs_find_the_image_that_servers_take(rig: Rig, provider: GoogleProvider) -> None:
    found = provider.find_image("debian-12")
    assert found is not None
    assert (found.id, found.created[:10]) == ("debian-12-bookworm-v20260513", "2026-05-13")
    assert provider.find_image(found.id) == found
    assert provider.find_image("no-such") is None


def test_volume_is_as_fast_as_asked_and_drift_is_seen(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Volume"), storage_class="hyperdisk-balanced", iops=3500)
    made = rig.make("Volume", inputs)
    assert made.inputs == inputs
    faster = msgspec.structs.replace(inputs, size_gib=20, iops=4000)
    assert rig.store("Volume").update(made.id, inputs, faster).inputs == faster
    cloud.raw("disks", made.id)["provisionedIops"] = "5000"
    seen = rig.store("Volume").read(made.id, faster)
    assert getattr(seen and seen.inputs, "iops", 0) == 5000


@pytest.mark.parametrize(
    ("field", "value", "what", "where"),
    [
        ("replicaZones", [f"zones/{ZONE}", f"zones/{REGION}-b"], "replica", f"{REGION}-b"),
        ("asyncSecondaryDisks", {"projects/p/zones/europe-west1-b/disks/d": {}}, "replica", "europe-west1-b"),
        ("resourcePolicies", ["projects/p/regions/r/resourcePolicies/nightly"], "backup", "nightly"),
        ("diskEncryptionKey", {"kmsKeyName": "projects/p/locations/global/keyRings/r/cryptoKeys/k"}, "key", "global"),
    ],
)
def test_copies_and_keys_elsewhere_are_told(
    rig: Rig, cloud: Cloud, field: str, value: object, what: str, where: str
) -> None:
    made = rig.make("Volume")
    cloud.raw("disks", made.id)[field] = value
    seen = rig.store("Volume").read(made.id, made.inputs)
    assert seen is not None
    odd = [aspect for aspect in seen.outputs.placement if aspect.where != PLACE]
    assert [(aspect.what, aspect.source) for aspect in odd] == [(what, "unknown")]
    assert where in odd[0].where
    del cloud.raw("disks", made.id)[field]


def test_without_a_key_of_ones_own_nobody_knows_where_it_is(cloud: Cloud, tmp_path: Path) -> None:
    keyless = GoogleProvider(cloud.target(tmp_path, kms_key=""))
    with rig_of(keyless) as rig:
        told = {aspect.what: aspect.source for aspect in rig.make("Volume").outputs.placement}
    keyless.close()
    assert told == {"resource": "set", "key": "default"}


@pytest.mark.parametrize("mount", ["/srv/Data", "/srv/" + "long/" * 30, "/srv/دفتر"])
def test_mount_comes_back_whatever_it_is_called(rig: Rig, mount: str) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Attachment"), mount=mount)
    made = rig.make("Attachment", inputs)
    imported = rig.store("Attachment").read(made.id, None)
    assert getattr(imported and imported.inputs, "mount", "") == mount
    assert getattr(made.outputs, "device", "").startswith("/dev/disk/by-id/google-suite-volume-")


def test_attached_volume_is_not_attached_again_and_a_foreign_attachment_has_no_owner(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Attachment")
    with pytest.raises(PortError) as caught:
        rig.make("Attachment", made.inputs)
    assert caught.value.reason == "in-use"
    labels = cloud.raw("disks", made.id.partition(":")[0])["labels"]
    for key in [key for key in labels if key.startswith("pse-attachment-")]:
        del labels[key]
    (found,) = rig.store("Attachment").list()
    assert (found.id, found.identity) == (made.id, None)
