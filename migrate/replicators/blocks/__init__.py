"""Disks and volumes by their chunks: only those are sent that differ."""
