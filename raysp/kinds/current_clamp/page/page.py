"""What a run's page shows of cells with injected currents."""

from __future__ import annotations

from collections.abc import Callable

from raysp.report.pages import Pages
from raysp.report.run_data import RunData
from raysp.report.section import Section


def section(data: RunData, pages: Pages, say: Callable[[str], None], at: str = "") -> Section:
    """Stub."""
    return Section("Cells", "".join(f"<p>{task.name}</p>" for task in data.tasks))
