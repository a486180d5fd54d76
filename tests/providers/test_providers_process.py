"""The plugin as a process: quick to start, 64 calls at once, connections apart from each other, an end within 5 s."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from pulumi.runtime.proto import provider_pb2 as pb

from tests.providers.house import House
from tests.providers.plugins import Connection, plugin
from tests.providers.waiting import wait_for

OTHER = "records"
CALLS = 64
ENDS_S = 60
"""Seconds in which a cancelled call surely ends."""


def test_neither_pulumi_nor_a_clouds_sdk_is_imported_at_the_start() -> None:
    program = (
        "import sys; from providers.plugin import boot; boot.stub_packages(); import providers.plugin.servicer;"
        "print([name for name in ('boto3', 'openstack', 'azure.mgmt', 'google.cloud', 'googleapiclient', 'requests',"
        " 'pulumi.resource', 'pyarrow', 'sqlalchemy', 'paramiko') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def hang(house: House, count: int, what: str = "hang") -> list[Path]:
    return [house.fault("create", "Volume", f"v{number}", what) for number in range(count)]


def test_sixty_four_calls_are_at_the_cloud_at_once_and_cancel_gets_through(house: House) -> None:
    hung = hang(house, CALLS)
    with plugin() as running:
        connection = running.connect().configure(house)
        answers = [connection.volume(f"v{number}") for number in range(CALLS)]
        wait_for(lambda: all(mark.exists() for mark in hung))
        connection.cancel()
        for answer in answers:
            with pytest.raises(grpc.RpcError) as caught:
                answer.result(timeout=ENDS_S)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    for mark in hung:
        mark.unlink()


def kept(answer: Any) -> str:
    """Id of the object that an answer says is there and not usable."""
    with pytest.raises(grpc.RpcError) as caught:
        answer.result(timeout=ENDS_S)
    error: Any = caught.value
    (trailing,) = [value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin"]
    (packed,) = status_pb2.Status.FromString(trailing).details
    detail = pb.ErrorResourceInitFailed()
    packed.Unpack(detail)
    return detail.id


def test_cancelled_create_answers_with_the_id_of_what_stands(house: House) -> None:
    hung = hang(house, 2, "late")
    with plugin() as running:
        connection = running.connect().configure(house)
        answers = [connection.volume("v0"), connection.volume("v1", timeout_s=1.0)]
        wait_for(lambda: all(mark.exists() for mark in hung))
        timed_out = kept(answers[1])
        connection.cancel()
        cancelled = kept(answers[0])
        assert {timed_out, cancelled} == house.ids("Volume")
        # A connection that was cancelled begins nothing more.
        with pytest.raises(grpc.RpcError, match="cancelled"):
            connection.volume("v2").result(timeout=5)
    for mark in hung:
        mark.unlink()


def test_cancel_of_one_connection_leaves_the_others_alone(house: House) -> None:
    house.gate(unit=OTHER, workloads=(OTHER,))
    mine, theirs = hang(house, 2, "late")
    with plugin() as running:
        one, other = (running.connect().configure(house) for _ in range(2))
        ours = one.volume("v0")
        others = other.volume("v1", unit=OTHER)
        wait_for(lambda: mine.exists() and theirs.exists())
        one.cancel()
        assert kept(ours)
        assert not others.done()
        theirs.unlink()
        assert others.result(timeout=30).id in house.ids("Volume")
        mine.unlink()
        assert_not_configured(running.connect())


def assert_not_configured(connection: Connection) -> None:
    with pytest.raises(grpc.RpcError, match="was not configured"):
        connection.volume("v3").result(timeout=5)
