"""Find the peer programs of the interop tests, or skip with the reason.

A test that needs a program which is not there is skipped and says so; under
``MIKEY_REQUIRE_PEERS=1`` (set in CI, where all peers are installed) it fails instead.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

_GSTREAMER_PROBE = """
import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
assert Gst.ElementFactory.find("srtpenc") and Gst.ElementFactory.find("srtpdec")
"""

_GST_RTSP_SERVER_PROBE = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GstRtspServer
"""


def missing(reason: str) -> NoReturn:
    """Skip the test for want of a peer; fail it where every peer is required."""
    if os.environ.get("MIKEY_REQUIRE_PEERS") == "1":
        pytest.fail(f"{reason} (MIKEY_REQUIRE_PEERS=1)")
    pytest.skip(reason)


def need(name: str) -> str:
    """Return the path of the program ``name``."""
    path = shutil.which(name)
    if path is None:
        missing(f"the peer program {name} is not installed")
    return path


def need_gstreamer() -> str:
    """Return the Python of the system that has GStreamer's bindings and its SRTP elements.

    The bindings are Debian packages for the system's own Python, never for ours: tests run
    a script of theirs with the returned interpreter.
    """
    reason = _gstreamer_missing()
    if reason:
        missing(reason)
    return "/usr/bin/python3"


def need_gst_rtsp_server() -> str:
    """Return the Python of the system that has GStreamer's RTSP server as well."""
    python = need_gstreamer()
    reason = _gst_rtsp_server_missing()
    if reason:
        missing(reason)
    return python


def need_go(module_dir: Path | str) -> str:
    """Build the Go program in ``module_dir`` (with its go.sum) once; return the binary's path.

    Without Go, or without the modules and a way to fetch them, the test is skipped; a program
    that does not compile is a failure.
    """
    go = need("go")
    binary, trouble, compiled = _build(go, Path(module_dir).resolve())
    if not compiled:
        pytest.fail(f"go build in {module_dir}:\n{trouble}")
    if trouble:
        missing(f"the Go modules of {module_dir} cannot be had: {trouble}")
    return binary


def need_c(source: Path | str, *, library: str, header: str) -> str:
    """Compile a C program that stands on a library of the system; return the binary's path.

    Without a compiler, or without the library's header, the test is skipped; a program that does
    not compile is a failure.
    """
    compiler = need("cc")
    binary, trouble, there = _compile(compiler, Path(source).resolve(), library, header)
    if not there:
        missing(f"{header} is not installed")
    if trouble:
        pytest.fail(f"cc {source}:\n{trouble}")
    return binary


@functools.cache
def _gstreamer_missing() -> str:
    if not Path("/usr/bin/python3").exists():
        return "GStreamer needs the system's own Python (/usr/bin/python3)"
    probe = subprocess.run(
        ["/usr/bin/python3", "-c", _GSTREAMER_PROBE], capture_output=True, text=True, check=False
    )
    if probe.returncode == 0:
        return ""
    last_line = (probe.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"GStreamer with Python bindings and srtpenc/srtpdec is not installed: {last_line}"


@functools.cache
def _gst_rtsp_server_missing() -> str:
    probe = subprocess.run(
        ["/usr/bin/python3", "-c", _GST_RTSP_SERVER_PROBE],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode == 0:
        return ""
    last_line = (probe.stderr.strip().splitlines() or ["no reason given"])[-1]
    return f"GStreamer's RTSP server with Python bindings is not installed: {last_line}"


@functools.cache
def _build(go: str, module: Path) -> tuple[str, str, bool]:
    """Return the binary, what went wrong, and whether the fault (if any) is not the source's."""
    fetch = subprocess.run(
        [go, "mod", "download"], cwd=module, capture_output=True, text=True, check=False
    )
    if fetch.returncode:
        return "", fetch.stderr.strip(), True
    binary = _scratch() / module.name
    build = subprocess.run(
        [go, "build", "-mod=readonly", "-o", str(binary), "."],
        cwd=module,
        capture_output=True,
        text=True,
        check=False,
    )
    return str(binary), build.stderr.strip() if build.returncode else "", build.returncode == 0


@functools.cache
def _compile(compiler: str, source: Path, library: str, header: str) -> tuple[str, str, bool]:
    """Return the binary, what went wrong, and whether the header is there."""
    probe = subprocess.run(
        [compiler, "-E", "-x", "c", "-"],
        input=f"#include <{header}>\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        return "", "", False
    binary = _scratch() / f"{source.parent.name}-{source.stem}"
    warnings = ("-std=c11", "-O2", "-Wall", "-Wextra", "-Werror")
    build = subprocess.run(
        [compiler, *warnings, "-o", str(binary), str(source), f"-l{library}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return str(binary), build.stderr.strip() if build.returncode else "", True


@functools.cache
def _scratch() -> Path:
    directory = tempfile.mkdtemp(prefix="mikey-peers-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)
