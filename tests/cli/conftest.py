"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.inspecting import Inspect
from tests.cli.rtsping import Rtsp


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Inspect:
    """Run `mikey inspect`."""
    return Inspect(capsys, tmp_path)


@pytest.fixture
def rtsp(capsys: pytest.CaptureFixture[str]) -> Rtsp:
    """Run `mikey rtsp`."""
    return Rtsp(capsys)
