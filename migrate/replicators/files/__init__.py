"""File trees by rsync, straight from source to target."""
