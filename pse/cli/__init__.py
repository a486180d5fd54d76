"""The `pse` command: parse, call one function of a room, show what it gave. No decision is taken here.

`main.py` finds verbs lazily, `verb.py` is what all verbs share, `session.py` what a running verb is handed, and
`render*.py` turn documents into tables or JSON. One file a verb or small family.
"""
