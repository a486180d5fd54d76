"""Verification that trusts no copier: both ends are read straight on the hosts, and only hashes travel.

Empty never equals empty: a comparison that looked at nothing does not pass.
"""
