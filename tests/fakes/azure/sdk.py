"""The SDK's own clients of a running fake."""

import http.client
import json
from typing import Any

import pytest

from tests.fakes.azure import Azure
from tests.fakes.azure.cloud import GROUP, LOCATION, SUBSCRIPTION
from tests.require import missing

try:
    from azure.core import MatchConditions
    from azure.core.exceptions import HttpResponseError
    from azure.core.pipeline.policies import SansIOHTTPPolicy
    from azure.mgmt.compute import ComputeManagementClient
    from azure.mgmt.dns import DnsManagementClient
    from azure.mgmt.network import NetworkManagementClient
    from azure.mgmt.storage import StorageManagementClient
except ModuleNotFoundError:
    missing("the SDK of Azure")

__all__ = ["BASE", "KEY", "Clients", "HttpResponseError", "MatchConditions", "code_of"]

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6pQ0t7Vt0qv2Jd0cO3xq0Vh8kQx5b8iU8hH2uO0d1m suite"
BASE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers"


class _NoCredential:
    def get_token(self, *_: object, **__: object) -> Any:
        raise AssertionError("nobody asks for a token on plain http")


class Clients:
    """The SDK's clients of a running fake."""

    def __init__(self, cloud: Azure, url: str) -> None:
        self.cloud = cloud
        self.url = url
        given: dict[str, Any] = {
            "base_url": url,
            "credential_scopes": [f"{url}/.default"],
            "authentication_policy": SansIOHTTPPolicy(),
            "polling_interval": 0.02,
            "retry_total": 0,
        }
        credential: Any = _NoCredential()
        # Their methods take models and streams by name, and plain bodies in fact.
        self.compute: Any = ComputeManagementClient(credential, SUBSCRIPTION, **given)
        self.network: Any = NetworkManagementClient(credential, SUBSCRIPTION, **given)
        self.dns: Any = DnsManagementClient(credential, SUBSCRIPTION, **given)
        self.storage: Any = StorageManagementClient(credential, SUBSCRIPTION, **given)

    def close(self) -> None:
        self.compute.close()
        self.network.close()
        self.dns.close()
        self.storage.close()

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One request without the SDK: it does not send what is wrong."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=20)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            data = response.read()
            return response.status, json.loads(data) if data else None
        finally:
            connection.close()

    def net(self, name: str = "net", *subnets: tuple[str, str], **more: Any) -> Any:
        body = {
            "location": LOCATION,
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [{"name": sub, "properties": {"addressPrefix": cidr}} for sub, cidr in subnets],
            },
            **more,
        }
        return self.network.virtual_networks.begin_create_or_update(GROUP, name, body).result()

    def disk(self, name: str = "disk", size: int = 4, **more: Any) -> Any:
        body = {
            "location": LOCATION,
            "sku": {"name": "StandardSSD_LRS"},
            "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": size},
            **more,
        }
        return self.compute.disks.begin_create_or_update(GROUP, name, body).result()

    def machine(self, name: str = "vm", *, keep: str = "Delete", subnet: str = "sub", **more: Any) -> Any:
        ip = {
            "name": "ip",
            "properties": {"subnet": {"id": f"{BASE}/Microsoft.Network/virtualNetworks/net/subnets/{subnet}"}},
        }
        nic = {
            "name": f"{name}-nic",
            "properties": {"deleteOption": keep, "ipConfigurations": [ip]},
            "tags": {"a": "b"},
        }
        ssh = {"publicKeys": [{"path": "/home/pse/.ssh/authorized_keys", "keyData": KEY}]}
        image = {"publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"}
        body = {
            "location": LOCATION,
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
                "storageProfile": {
                    "imageReference": image,
                    "osDisk": {"createOption": "FromImage", "name": f"{name}-os", "deleteOption": keep},
                },
                "osProfile": {
                    "computerName": name,
                    "adminUsername": "pse",
                    "customData": "aHVzaA==",
                    "linuxConfiguration": {"disablePasswordAuthentication": True, "ssh": ssh},
                },
                "networkProfile": {"networkApiVersion": "2022-11-01", "networkInterfaceConfigurations": [nic]},
            },
            **more,
        }
        return self.compute.virtual_machines.begin_create_or_update(GROUP, name, body).result()


def code_of(caught: pytest.ExceptionInfo[HttpResponseError]) -> str:
    return str(caught.value.error.code if caught.value.error else "")
