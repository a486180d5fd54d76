"""PostgreSQL by logical replication, or by dump where that cannot be."""
