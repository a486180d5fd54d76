"""`pse graph`: who depends on whom."""

from pathlib import Path

import click

from pse.cli.session import Session
from pse.cli.verb import verb


@verb("pse graph estate.svg\npse graph portal.svg --workload portal --shared\npse graph all.graphml --level servers")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--level", type=click.Choice(("workloads", "servers")), default="workloads", show_default=True)
@click.option("--workload", default="", help="Only this one, and what it talks with.")
@click.option("--shared", is_flag=True, help="Also names, time, log-in, mail, logs and watching, which nearly all use.")
def command(session: Session, file: Path | None, level: str, workload: str, *, shared: bool) -> None:
    """Show which workloads or servers depend on which.

    With FILE, draw it as .svg, or write it as .dot, .graphml or .json for tools of graphs; FILE is replaced.
    """
    from inventory import load_estate
    from inventory.graph import encoded, graph_of
    from pse.cli.render_inventory import graph_view
    from pse.core.canonical import write_bytes

    graph = graph_of(load_estate(session.workspace), level=level, around=workload, shared=shared)
    if file is not None:
        write_bytes(file, encoded(graph, file.suffix))
    session.show(graph_view(graph, file))
