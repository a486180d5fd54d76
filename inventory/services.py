"""What a port and a process stand for, and which conversations tie two servers together."""

from types import MappingProxyType

PROCESSES = MappingProxyType(
    {
        "postgres": "postgresql",
        "postmaster": "postgresql",
        "mysqld": "mysql",
        "mariadbd": "mariadb",
        "tnslsnr": "oracle",
        "oracle": "oracle",
        "sqlservr": "mssql",
        "mongod": "mongodb",
        "redis-server": "redis",
        "memcached": "memcached",
        "db2sysc": "db2",
        "sshd": "ssh",
        "named": "dns",
        "unbound": "dns",
        "dnsmasq": "dns",
        "chronyd": "ntp",
        "ntpd": "ntp",
        "smbd": "smb",
        "nginx": "http",
        "apache2": "http",
        "httpd": "http",
        "haproxy": "http",
        "zabbix_agentd": "monitoring",
        "zabbix_server": "monitoring",
        "node_exporter": "monitoring",
        "snmpd": "monitoring",
        "nrpe": "monitoring",
        "slapd": "ldap",
        "master": "smtp",
        "rsyslogd": "syslog",
    }
)
"""Process name to service; wins over the port."""

PORTS = MappingProxyType(
    {
        22: "ssh",
        25: "smtp",
        53: "dns",
        80: "http",
        88: "kerberos",
        111: "rpc",
        123: "ntp",
        139: "smb",
        161: "monitoring",
        389: "ldap",
        443: "https",
        445: "smb",
        514: "syslog",
        587: "smtp",
        636: "ldap",
        873: "rsync",
        1433: "mssql",
        1521: "oracle",
        2049: "nfs",
        3260: "iscsi",
        3306: "mysql",
        3389: "rdp",
        5432: "postgresql",
        5666: "monitoring",
        5985: "winrm",
        5986: "winrm",
        6379: "redis",
        8000: "http",
        8080: "http",
        8443: "https",
        9100: "monitoring",
        10050: "monitoring",
        10051: "monitoring",
        11211: "memcached",
        27017: "mongodb",
        50000: "db2",
    }
)
"""Well-known port to service. Source: IANA service names, and the defaults of the products."""

DATABASES = frozenset({"postgresql", "mysql", "mariadb", "oracle", "mssql", "mongodb", "db2"})
"""Services that keep data and are listed as databases."""

BINDING = DATABASES | {"redis", "memcached", "nfs", "smb", "iscsi"}
"""Services whose two ends have to move together: every call waits for them, so a border in between is felt at once.
Administration, names, time, mail, monitoring and calls over HTTP do not bind."""

SHARED = frozenset({"dns", "kerberos", "ldap", "monitoring", "ntp", "rdp", "rpc", "smtp", "ssh", "syslog", "winrm"})
"""Services that nearly every server uses or is administered by: names, time, log-in, mail, logs, watching."""


def service_of(process: str, port: int) -> str:
    """The service of a listener; empty when neither process nor port says."""
    return PROCESSES.get(process) or PORTS.get(port, "")
