"""The walk through README as a script that anyone can run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_a_stranger_gets_from_readme_to_a_cron_line_at_80_columns(tmp_path: Path) -> None:
    call = [sys.executable, str(ROOT / "scripts" / "walk"), "--screens", str(tmp_path / "screens")]
    done = subprocess.run(call, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    screens = sorted((tmp_path / "screens").iterdir())
    assert len(screens) == 16
    cron = screens[-1].read_text(encoding="utf-8").splitlines()
    assert len(cron) == 1, "a good run of cron says nothing"
    shown = "".join(screen.read_text(encoding="utf-8") for screen in screens)
    assert "4 of 4" in shown and "Traceback" not in shown
