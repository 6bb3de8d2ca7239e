"""`hlsmask samples`: check, describe, convert, build, split and simulate the samples that networks are trained on."""

from __future__ import annotations

from cyclopts import App

app = App(
    name="samples", help="Check, describe, convert, build, split and simulate the samples that networks are trained on."
)
app.command("hlsmask.cli.samples.check:check", name="check")
app.command("hlsmask.cli.samples.stats:stats", name="stats")
app.command("hlsmask.cli.samples.convert:convert", name="convert")
app.command("hlsmask.cli.samples.build:build", name="build")
app.command("hlsmask.cli.samples.split:split", name="split")
app.command("hlsmask.cli.samples.simulate:simulate", name="simulate")
