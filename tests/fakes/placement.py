"""Spread placement groups, which moto does not have, as a layer of the hostile proxy.

Written after the EC2 API reference. Not checked: that servers are apart, and how many a zone takes.
"""

import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from typing import Any

from tests.fakes.ec2 import NAMESPACE, error, region_of
from tests.fakes.hostile import Answer, Forward, Request

_XML = {"Content-Type": "text/xml"}


class Spread:
    """Groups by region and name, and which server is in which."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """Args: client: Gives a boto3 client of EC2 for a region, straight to the server."""
        self._client = client
        self._lock = threading.Lock()
        self._groups: dict[tuple[str, str], dict[str, str]] = {}
        self._members: dict[str, str] = {}

    def names(self) -> Iterable[str]:
        """Names of all groups."""
        with self._lock:
            return [name for _, name in self._groups]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._groups.clear()
            self._members.clear()

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Serve what is about groups, and tell of a server which one it is in."""
        act = getattr(self, f"_{request.action}", None)
        if act is None:
            return forward(request)
        if request.action == "DescribeInstances":
            return self._DescribeInstances(request, forward)
        with self._lock:
            answer: Answer = act(request, forward)
            return answer

    def _CreatePlacementGroup(self, request: Request, _: Forward) -> Answer:  # noqa: N802  (EC2's names)
        form = request.form
        key = (region_of(request), form["GroupName"])
        if key in self._groups:
            return error("InvalidPlacementGroup.Duplicate", f"The Placement Group '{key[1]}' already exists.")
        self._groups[key] = form
        return _answer("CreatePlacementGroup", f"<placementGroup>{_described(form)}</placementGroup>")

    def _DescribePlacementGroups(self, request: Request, _: Forward) -> Answer:  # noqa: N802
        form = request.form
        wanted = form["Filter.1.Value.1"] if form.get("Filter.1.Name") == "group-name" else ""
        found = [
            group for key, group in self._groups.items() if key[0] == region_of(request) and wanted in {"", key[1]}
        ]
        items = "".join(f"<item>{_described(group)}</item>" for group in found)
        return _answer("DescribePlacementGroups", f"<placementGroupSet>{items}</placementGroupSet>")

    def _DeletePlacementGroup(self, request: Request, _: Forward) -> Answer:  # noqa: N802
        region, name = region_of(request), request.form["GroupName"]
        if (region, name) not in self._groups:
            return error("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
        inside = [server for server, group in self._members.items() if group == name]
        found = self._client(region).describe_instances(Filters=[{"Name": "instance-id", "Values": inside or ["none"]}])
        live = [i for r in found["Reservations"] for i in r["Instances"] if i["State"]["Name"] != "terminated"]
        if live:
            return error("InvalidPlacementGroup.InUse", f"The placement group '{name}' is in use.")
        del self._groups[region, name]
        self._members = {server: group for server, group in self._members.items() if group != name}
        return _answer("DeletePlacementGroup", "<return>true</return>")

    def _RunInstances(self, request: Request, forward: Forward) -> Answer:  # noqa: N802
        name = request.form.get("Placement.GroupName", "")
        if name and (region_of(request), name) not in self._groups:
            return error("InvalidPlacementGroup.Unknown", f"The Placement Group '{name}' is unknown.")
        answer = forward(request)
        if name and answer.status == 200:
            for element in ET.fromstring(answer.body).findall(".//{*}instanceId"):
                self._members[element.text or ""] = name
        return answer

    def _DescribeInstances(self, request: Request, forward: Forward) -> Answer:  # noqa: N802
        answer = forward(request)
        with self._lock:
            members = dict(self._members)
        if not members or answer.status != 200:
            return answer
        root = ET.fromstring(answer.body)
        for item in root.findall(".//{*}instancesSet/{*}item"):
            name = members.get(item.findtext("{*}instanceId") or "")
            placement = item.find("{*}placement")
            if name and placement is not None:
                for old in placement.findall("{*}groupName"):
                    placement.remove(old)
                ET.SubElement(placement, f"{{{NAMESPACE}}}groupName").text = name
        return Answer(200, ET.tostring(root), answer.headers)


def _described(form: dict[str, str]) -> str:
    prefix = "TagSpecification.1.Tag."
    tags = "".join(
        f"<item><key>{value}</key><value>{form[key[:-3] + 'Value']}</value></item>"
        for key, value in form.items()
        if key.startswith(prefix) and key.endswith("Key")
    )
    return (
        f"<groupName>{form['GroupName']}</groupName><state>available</state>"
        f"<strategy>{form['Strategy']}</strategy><tagSet>{tags}</tagSet>"
    )


def _answer(action: str, inner: str) -> Answer:
    body = f'<{action}Response xmlns="{NAMESPACE}"><requestId>0</requestId>{inner}</{action}Response>'
    return Answer(200, body.encode(), _XML)
