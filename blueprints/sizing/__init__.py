"""What size a server has: its use, the shapes of a place, and servers that do nothing."""
