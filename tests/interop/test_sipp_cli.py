"""sipp and the command line: fresh, stale and missing key management, refusals."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path

import pytest

from mikey.policy.clock import ntp_from_ns
from tests.cli.calling import answering, call, key_file, wav_file
from tests.interop.sipp_process import sipp
from tests.naive import vectors
from tests.naive.encode import key_data, key_mgmt, psk_offer, verify_answer

pytestmark = pytest.mark.interop

BOB = vectors.IDR.decode()


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return key_file(tmp_path / "keys", f"* {vectors.PSK.hex()}")


def test_a_stale_offer_is_refused_with_a_warning(keys: Path, tmp_path: Path) -> None:
    with (
        answering(keys, "--identity", BOB, "--trace") as bob,
        sipp("uac_refused", tmp_path / "sipp", line=key_mgmt(vectors.OFFER), to=bob.port) as alice,
    ):
        alice.wait()
        assert "timestamp" in bob.event("refused")["reason"]
        assert alice.log.count("SIP/2.0 488 Not Acceptable Here") == 1  # it has its ACK
        bob.wait_told("ACK sip:bob@")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_fresh_offer_of_a_naive_side_is_answered(
    transport: str, keys: Path, tmp_path: Path
) -> None:
    offer = psk_offer(
        vectors.PSK,
        [key_data(os.urandom(16))],
        csb_id=0x1000,
        ts=(0, ntp_from_ns(time.time_ns()).to_bytes(8)),
        rand_value=os.urandom(16),
        idi=vectors.IDI,
        idr=vectors.IDR,
        cs=[(0, 0xDEADBEEF, 0), (0, 0, 0)],
    )
    with (
        answering(keys, "--identity", BOB) as bob,
        sipp(
            "uac_accepted",
            tmp_path / "sipp",
            line=key_mgmt(offer),
            to=bob.port,
            transport=transport,
        ) as alice,
    ):
        alice.wait()
        assert bob.event("accepted")["caller"] == vectors.IDI.decode()
        assert bob.wait() == 1  # sipp said nothing
        assert "the caller sent no audio" in bob.errors
        sent, received = alice.lines()
    assert sent == key_mgmt(offer)
    parts = verify_answer(
        vectors.PSK, offer, base64.b64decode(received.removeprefix("a=key-mgmt:mikey "))
    )
    sessions = parts[0].fields["cs_map"]
    assert sessions[0]["ssrc"] == 0xDEADBEEF
    assert sessions[1]["ssrc"] != 0


@pytest.mark.parametrize(
    ("scenario", "line", "reason"),
    [
        ("uas_answers", "a=x-nothing:here", "no MIKEY message at session level"),
        ("uas_answers", key_mgmt(vectors.ANSWER), "another CSB"),
        ("uas_refuses", "", "488 Not Acceptable Here (399: no keys here)"),
    ],
)
def test_a_called_side_that_does_not_agree(
    scenario: str,
    line: str,
    reason: str,
    keys: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    speech = wav_file(tmp_path / "in.wav")
    with sipp(scenario, tmp_path / "sipp", line=line) as bob:
        status, out, err = call(
            capsys, f"sip:bob@127.0.0.1:{bob.port}", "--psk-file", keys, "--send", speech
        )
        bob.wait()
    assert (status, out) == (1, "")
    assert err.startswith("mikey: ")
    assert err.count("\n") == 1
    assert reason in err
