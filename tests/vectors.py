"""The test vectors of the folder `vectors`, as tests take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "vectors"


def load(name: str, kind: str) -> list[dict[str, Any]]:
    """Return the vectors of one kind in `vectors/<name>.json`; none is an error."""
    content = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    found = [vector for vector in content["vectors"] if vector["kind"] == kind]
    if not found:
        raise ValueError(f"{name}.json has no vector of kind {kind}")
    return found
