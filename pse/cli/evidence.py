"""`pse evidence`: everything that was decided and done for a plan, in one signed file, and its verification."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import Family, plan_argument, verb


@click.group("evidence", cls=Family)
def command() -> None:
    """Write and verify evidence for an auditor."""


@verb("pse evidence write --out evidence.zip")
@plan_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File; below .pse/reports by default.")
def write(session: Session, plan: Path | None, out: Path | None) -> None:
    """Write the evidence of a plan: one signed zip file.

    Plan, verdicts, rules, hashes of register and price book, the last `pse audit`, what the moves compared, the whole
    ledger, and OSCAL assessment results. The same workspace gives the same bytes.
    """
    import migrate
    from pse.cli.render_evidence import written_view

    session.show(written_view(*migrate.write_pack(session.workspace, session.bundle(plan), out)))


@verb("pse evidence verify evidence.zip --signer 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--signer", required=True, metavar="KEY", help="Public key of the workspace, by another way than FILE.")
def verify(session: Session, file: Path, signer: str) -> None:
    """Verify evidence anywhere; needs no workspace.

    Signature, hash of every member, ledger, plan and OSCAL. What was changed, cut or added is named, and the exit code
    is 3. The key is `signer` in the workspace's pse.toml: ask for it by another way than the file came.
    """
    from migrate.packed import verify_pack
    from pse.cli.render_evidence import verified_view
    from pse.core.canonical import read_bytes
    from pse.core.errors import Refused

    found = verify_pack(read_bytes(file), signer)
    session.show(verified_view(found))
    if found.findings:
        raise Refused("this is not the evidence that was signed", where=str(file), hint="See the list above.")


command.add_command(write)
command.add_command(verify)
