"""Facts: what is read on a host."""
