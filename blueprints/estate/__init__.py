"""What is known of the estate and wanted of it, before any place is chosen."""
