"""`pse init`: make a workspace."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import verb


@verb("pse init ministry --entity 'Ministry of Works'\npse init ministry --sample")
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--entity", default="", help="Name of the public sector entity.")
@click.option("--sample", is_flag=True, help="Fill it with the sample ministry of the lab.")
def command(session: Session, folder: Path | None, entity: str, *, sample: bool) -> None:
    """Make a workspace.

    In FOLDER, or here: settings, policy files, a signing key and its pin. Overwrites nothing.
    """
    from policy import workspace as bare
    from providers.lab import sample as lab_sample
    from pse.cli.render_init import made_view

    root = session.folder(folder)
    session.refuse_when(not sample and not entity, "the entity has no name", hint="Give --entity NAME, or --sample.")
    made = lab_sample.create(root, progress=session.progress) if sample else bare.create(root, entity)
    session.show(made_view(made))
