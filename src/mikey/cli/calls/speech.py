"""What a call sends: a recording of the user's, or the speech that comes with the package."""

from __future__ import annotations

from importlib import resources

from mikey.aio import Recording, read_wav

__all__ = ["recording"]


def recording(path: str | None) -> Recording:
    """Read a WAV file, the shipped speech for None. LocalError."""
    if path is not None:
        return read_wav(path)
    with resources.as_file(resources.files("mikey.cli") / "data" / "speech.wav") as shipped:
        return read_wav(shipped)
