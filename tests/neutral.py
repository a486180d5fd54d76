"""Good inputs of every kind of the schema, by wire name, without the three that all kinds take."""

from typing import Any

INPUTS: dict[str, dict[str, Any]] = {
    "Network": {"cidr": "10.0.0.0/16"},
    "Subnet": {"network": "net-1", "cidr": "10.0.0.0/24"},
    "Router": {"network": "net-1", "subnets": ["sub-1"]},
    "Firewall": {
        "network": "net-1",
        "rules": [{"direction": "in", "protocol": "tcp", "port": 22, "peer": "0.0.0.0/0"}],
    },
    "KeyPair": {"publicKey": "ssh-ed25519 AAAAC3Nza me@here"},
    "EncryptionKey": {"rotationDays": 365},
    "Image": {"source": "debian-12.raw", "sha256": "ab" * 32, "format": "raw"},
    "Volume": {"sizeGib": 10, "storageClass": "ssd", "encryptionKey": "ek-1", "snapshot": "snap-1"},
    "Snapshot": {"volume": "vol-1"},
    "BackupPolicy": {"volumes": ["vol-1"], "everyHours": 24, "keep": 7},
    "Bucket": {"retentionDays": 30, "encryptionKey": "ek-1"},
    "Server": {
        "shape": "std",
        "image": "debian-12",
        "subnet": "sub-1",
        "firewalls": ["fw-1"],
        "keyPair": "key-1",
        "bootVolume": "vol-1",
    },
    "Attachment": {"server": "srv-1", "volume": "vol-1", "mount": "/srv/data"},
    "Address": {"router": "rt-1", "server": "srv-1"},
    "LoadBalancer": {
        "subnets": ["sub-1"],
        "firewalls": ["fw-1"],
        "servers": ["srv-1"],
        "listeners": [{"protocol": "http", "port": 80, "memberPort": 8080, "healthPath": "/health"}],
    },
    "DnsZone": {"domain": "ministry.example"},
    "DnsRecord": {"zone": "zone-1", "label": "www", "type": "A", "values": ["192.0.2.1"]},
}
