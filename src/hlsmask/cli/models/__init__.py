"""`hlsmask models`: the networks there are, what lies in a file of weights, and from one kind of file to another."""

from __future__ import annotations

from cyclopts import App

from hlsmask.cli.models.convert import export_network, import_checkpoint
from hlsmask.cli.models.listing import list_networks
from hlsmask.cli.models.show import show

app = App(name="models", help="List the networks, show what a file of weights holds, import and export weights.")
app.command(list_networks, name="list")
app.command(show, name="show")
app.command(import_checkpoint, name="import")
app.command(export_network, name="export")
