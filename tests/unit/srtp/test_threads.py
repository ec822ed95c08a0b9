"""A context belongs to one thread at a time: shared, it refuses, and never repeats an index."""

from __future__ import annotations

import threading

from mikey.errors import LocalError
from mikey.srtp import Sender
from tests.unit.srtp.packets import CM, SSRC, master, rtcp


def test_threads_never_share_an_index() -> None:
    sender = Sender(CM, [master()], ssrc=SSRC)
    taken: list[bytes] = []
    refused: list[LocalError] = []

    def work() -> None:
        for _ in range(500):
            try:
                taken.append(sender.protect_rtcp(rtcp())[8:12])
            except LocalError as error:
                refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) + len(refused) == 2000
    assert len(set(taken)) == len(taken) == sender.srtcp_index
