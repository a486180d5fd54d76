"""MariaDB by GTID replication, or by dump where that cannot be."""
