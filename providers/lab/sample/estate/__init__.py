"""Files that the sample room's hosts get: applications, scripts, configuration, the database's content."""
