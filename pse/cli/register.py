"""`pse register`: the register of cloud service providers."""

import datetime as dt
from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import Day, Family, verb


@click.group("register", cls=Family)
def command() -> None:
    """Show, verify and sign the register of CSPs."""


@verb("pse register show")
@click.option("--as-of", type=Day(), help="Day that the register is read for; today in Asia/Karachi by default.")
def show(session: Session, as_of: dt.date | None) -> None:
    """Show how each place stands for each category."""
    from policy.register import load_register
    from pse.cli.render_policy import register_view
    from pse.core.time import today

    day = as_of or today()
    session.show(register_view(load_register(session.workspace, as_of=day), session.workspace.settings, day))


@verb("pse register verify")
def verify(session: Session) -> None:
    """Check its signature.

    Against the pin in pse.toml; exit 3 when it does not hold. A register whose last day has passed is said to be
    expired: its signature holds, and nothing is planned by it.
    """
    from policy.register import load_register
    from pse.cli.render_policy import verified_view
    from pse.core.time import today

    session.show(verified_view(load_register(session.workspace), today()))


@verb("pse register sign")
@click.option("--nocs", is_flag=True, help="Sign policy/nocs.toml, the NOCs, and not the register.")
def sign(session: Session, *, nocs: bool) -> None:
    """Sign it, or the NOCs, with the workspace's key.

    policy/register.toml, after a person has read it: whatever it says is believed from then on. With --nocs
    policy/nocs.toml, the deviations that the Cloud Office granted, in the same way.
    """
    from policy import nocs as granted
    from policy import register
    from pse.cli.render_work import file_view

    if nocs:
        granted.sign_nocs(session.workspace)
    else:
        register.sign_register(session.workspace)
    name = "nocs.toml.sig" if nocs else "register.toml.sig"
    session.show(file_view("signature", session.workspace.path("policy", name)))


@verb("pse register rekey")
def rekey(session: Session) -> None:
    """Give the workspace another signing key.

    What the old one signed is signed anew; plans are not, so make them again. Objects at clouds stay the workspace's
    own, since the old key names the new one in policy/keys.json; keep that file beside pse.toml. The old key is gone.
    """
    from policy import rekey as rekeying
    from pse.cli.render_work import file_view
    from pse.core.settings import FILE

    workspace = rekeying.rekey(session.workspace)
    session.show(file_view("pinned in", workspace.path(FILE)))


@verb("pse register diff register-2027.toml")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--as-of", type=Day(), help="Day that standings are read for; today in Asia/Karachi by default.")
def diff(session: Session, file: Path, as_of: dt.date | None) -> None:
    """Show what FILE, another register, would change.

    Who may hold what, and every field that differs. FILE needs no signature, since it is only looked at.
    """
    from policy.register import load_register
    from policy.registerdiff import compare, read_other
    from pse.cli.render_policy import diff_view
    from pse.core.time import today

    here, other = load_register(session.workspace), read_other(file)
    jurisdiction = session.workspace.settings.jurisdiction
    session.show(diff_view(compare(here, other, as_of=as_of or today(), jurisdiction=jurisdiction)))


command.add_command(show)
command.add_command(diff)
command.add_command(verify)
command.add_command(sign)
command.add_command(rekey)
