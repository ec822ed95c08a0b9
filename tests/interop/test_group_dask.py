"""Key a group on the workers of a Dask cluster, which are processes of their own."""

from __future__ import annotations

from typing import Any

import pytest
from dask import config
from distributed import Client, LocalCluster

from mikey import Clock, Group, LocalError, Stream
from mikey.group import group_bundle, key_group
from mikey.policy import Context
from tests.rules.sakke_parties import ALICE, BOB, Noon, bob, same_keys, taken, user

pytestmark = pytest.mark.interop

# They have no types.
new_cluster: Any = LocalCluster
new_client: Any = Client


def test_a_local_cluster() -> None:
    group = Group.new([Stream(0x57D10)], tgk_length=16)
    members = [BOB, *(f"tel:+4420{n:08d}" for n in range(70))]
    settings = {"distributed.worker.daemon": True, "distributed.admin.tick.limit": "60s"}
    with (
        config.set(settings),
        new_cluster(
            n_workers=1,
            threads_per_worker=2,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        new_client(cluster) as client,
    ):
        executor = client.get_executor()
        keyed = key_group(
            members, group, user(ALICE), executor=executor, in_flight=4, clock=Clock(Noon())
        )
        messages = {member.uri: message for member, message in keyed}
        with pytest.raises(LocalError, match="tel URI"):
            list(key_group(["sip:bob@example.org"], group, user(ALICE), executor=executor))
    assert messages.keys() == set(members)
    same_keys(group_bundle(group, user(ALICE)), taken(bob(), messages[BOB], Context()))
