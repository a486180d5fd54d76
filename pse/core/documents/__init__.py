"""The documents that pass between the rooms, one file each; all frozen, all written by `pse.core.canonical`.

Snapshot + Environment ─► Verdicts + Offers ─► Plan, Unit ─► Deployment ─► Campaign ─► Evidence
"""
