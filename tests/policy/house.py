"""A small ministry's policy folder, made in a temporary folder with real keys and real signatures."""

from pathlib import Path

import policy
from policy.register import sign_register
from pse.core.settings import Workspace

REGISTER = """\
name = "Sample register"
jurisdiction = "federal"
issued = 2026-01-01
valid_until = 2027-12-31
sample = true
source = "Invented for the tests"

[[csp]]
id = "sample-markhor"
name = "Sample Markhor Cloud"

[[csp.site]]
region = "islamabad"
site = "ict-1"
name = "Sample data centre"
country = "PK"
cloud = "government"
provider = "lab"
endpoint = "lab:sample-markhor"
evidence = "Invented"

[[csp.state]]
state = "accredited"
categories = ["open", "public", "restricted", "sensitive"]
start = 2026-01-01
end = 2027-06-30
reference = "SAMPLE-1"

[[csp.audit]]
on = 2026-01-01
outcome = "passed"
next_due = 2026-12-31
reference = "SAMPLE-AUDIT-1"

[[csp]]
id = "sample-ibex"
name = "Sample Ibex Cloud"

[[csp.site]]
region = "karachi"
site = "khi-1"
name = "Sample data centre"
country = "PK"
cloud = "government"
provider = "lab"
endpoint = "lab:sample-ibex"
evidence = "Invented"

[[csp.state]]
state = "accredited"
start = 2026-01-01
reference = "SAMPLE-2"

[[csp.state]]
state = "suspended"
start = 2026-09-01
reference = "SAMPLE-3"

[[csp]]
id = "sample-elsewhere"
name = "Sample Elsewhere Cloud"

[[csp.site]]
region = "abroad"
site = "abr-1"
name = "Sample data centre"
country = "XA"
provider = "lab"
endpoint = "lab:sample-elsewhere"
evidence = "Invented"

[[csp.state]]
state = "accredited"
start = 2026-01-01
reference = "SAMPLE-4"
"""

MARKHOR = "sample-markhor/islamabad/ict-1"
IBEX = "sample-ibex/karachi/khi-1"
ELSEWHERE = "sample-elsewhere/abroad/abr-1"

LABELS = """\
[[label]]
category = "restricted"
hosts = ["pay*"]
owner = "Director Payments"
reference = "File 1"

[[label]]
category = "public"
workloads = ["portal"]

[[label]]
category = "open"
tags = ["data=open"]
"""

OWN = """\
[[rule]]
id = "MINISTRY-001"
kind = "country"
text = "Public data rests in Pakistan."
clause = "Standing order"
source = "Ministry"
dated = 2026-11-01
confidence = "A"
categories = ["public"]
countries = ["PK"]
"""
"""A rule that a ministry adds."""


def build(root: Path, *, register: str = REGISTER, labels: str = LABELS) -> Workspace:
    """A workspace with a signed register and labels."""
    pin = policy.init_keys(root)
    (root / "pse.toml").write_text(f'entity = "Ministry of Examples"\nsample = true\nsigner = "{pin}"\n')
    (root / "policy").mkdir(exist_ok=True)
    (root / "policy" / "register.toml").write_text(register)
    (root / "policy" / "labels.toml").write_text(labels)
    workspace = Workspace(root)
    sign_register(workspace)
    return workspace


def noc(reference: str = "NOC-1", **changes: str) -> str:
    """One NOC as TOML: to the place abroad for payments, lifting country and cloud, for the summer of 2026."""
    words = {
        "start": "2026-06-01",
        "end": "2026-08-31",
        "workloads": '["payments"]',
        "places": '["sample-elsewhere/*"]',
        "rules": '["PSE-R003", "PSE-R004"]',
    } | changes
    return f'[[noc]]\nreference = "{reference}"\n' + "".join(f"{key} = {value}\n" for key, value in words.items())
