"""An evaluation as one HTML page that needs nothing but itself."""

from hlsmask.evaluation.report.about import About
from hlsmask.evaluation.report.page import write_report

__all__ = ["About", "write_report"]
