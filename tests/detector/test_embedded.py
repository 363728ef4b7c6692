"""The embedded server: a child process that is started, watched and never left behind."""

import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

import detector.embedded
from detector.embedded import EmbeddedServer
from detector.errors import ServerStartError
from detector.wire.protos import get_model_status_pb2, model_pb2, model_service_pb2_grpc
from tests.support import savedmodels
from tests.support.paths import ROOT

DEADLINE_S = 60

pytestmark = pytest.mark.server


@pytest.fixture
def base_path(tmp_path):
    savedmodels.write_affine(tmp_path, 3)
    return tmp_path


def served_version(address):
    request = get_model_status_pb2.GetModelStatusRequest(model_spec=model_pb2.ModelSpec(name="m"))
    with grpc.insecure_channel(address) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        answer = stub.GetModelStatus(request, timeout=DEADLINE_S)
    return answer.model_version_status[0].version


def wait_for_end(pidfd):
    """Waits until a process has ended; a pidfd never means another process of the same number."""
    try:
        assert select.select([pidfd], [], [], DEADLINE_S)[0], "the process still runs"
    finally:
        os.close(pidfd)


def kill_and_wait(server, number=signal.SIGKILL):
    pid = server.pid
    pidfd = os.pidfd_open(pid)
    os.kill(pid, number)
    wait_for_end(pidfd)
    return pid


def wait_until_noticed(server, killed):
    """Waits until the server's watcher has seen that the child has ended."""
    while server.state == "running" and server.pid in (killed, None):
        pass


def test_one_that_was_not_started_has_no_address(base_path):
    server = EmbeddedServer("m", base_path)
    assert (server.state, server.pid) == ("stopped", None)
    with pytest.raises(ServerStartError, match="not started"):
        _ = server.address


def test_start_returns_before_the_server_is_ready_and_address_waits_for_it(base_path):
    with EmbeddedServer("m", base_path) as server:
        assert server.state == "starting"
        address = server.address
        assert server.state == "running"
        assert served_version(address) == 3


def test_starting_twice_starts_one_server(base_path):
    with EmbeddedServer("m", base_path) as server:
        _ = server.address
        pid = server.pid
        server.start()
        assert (server.pid, server.state) == (pid, "running")


def test_it_works_from_any_folder_with_a_relative_path(base_path, monkeypatch):
    (base_path / "model_server.py").write_text("raise SystemExit('not the one that is meant')")
    monkeypatch.chdir(base_path)
    with EmbeddedServer("m", Path()) as server:
        assert served_version(server.address) == 3


def test_closing_ends_the_child_and_again_does_nothing(base_path):
    server = EmbeddedServer("m", base_path)
    server.start()
    _ = server.address
    pidfd = os.pidfd_open(server.pid)
    server.close()
    wait_for_end(pidfd)
    server.close()
    assert (server.state, server.pid) == ("stopped", None)


def test_closing_while_it_starts_ends_the_child(base_path):
    server = EmbeddedServer("m", base_path)
    server.start()
    server.close()
    assert (server.state, server.pid) == ("stopped", None)


def test_closing_ends_a_child_that_does_not_react(base_path, monkeypatch):
    assert detector.embedded._GRACE_S <= 2  # nobody waits longer for one that is frozen
    monkeypatch.setattr("detector.embedded._GRACE_S", 0.2)
    with EmbeddedServer("m", base_path) as server:
        _ = server.address
        pidfd = os.pidfd_open(server.pid)
        os.kill(server.pid, signal.SIGSTOP)
    wait_for_end(pidfd)


def test_it_can_be_started_again_after_closing(base_path):
    server = EmbeddedServer("m", base_path)
    for _ in range(2):
        with server:
            assert served_version(server.address) == 3


def test_a_killed_child_is_replaced_on_the_same_port(base_path):
    with EmbeddedServer("m", base_path) as server:
        address = server.address
        killed = kill_and_wait(server)
        # One channel waits until the new child listens where the old one did.
        request = get_model_status_pb2.GetModelStatusRequest(
            model_spec=model_pb2.ModelSpec(name="m")
        )
        with grpc.insecure_channel(address) as channel:
            stub = model_service_pb2_grpc.ModelServiceStub(channel)
            stub.GetModelStatus(request, timeout=DEADLINE_S, wait_for_ready=True)
        assert server.address == address
        assert server.pid != killed


def test_a_port_that_another_took_is_given_up_for_a_free_one(base_path):
    with EmbeddedServer("m", base_path) as server:
        address = server.address
        with server._changed:  # holds the watcher up until the port is taken
            killed = kill_and_wait(server)
            taken = socket.create_server(("127.0.0.1", int(address.rpartition(":")[2])))
        with taken:
            wait_until_noticed(server, killed)
            assert server.address != address
            assert served_version(server.address) == 3


def test_a_server_that_cannot_start_fails_with_its_last_lines(tmp_path):
    with EmbeddedServer("m", tmp_path / "nowhere") as server:
        with pytest.raises(ServerStartError, match="nowhere") as caught:
            _ = server.address
        assert server.state == "failed"
        assert server.pid is None
        assert "exit status 1" in str(caught.value)
        assert caught.value.hint


def test_a_failed_server_is_tried_again_by_a_later_start(tmp_path):
    with EmbeddedServer("m", tmp_path) as server:
        with pytest.raises(ServerStartError):
            _ = server.address
        savedmodels.write_affine(tmp_path, 5)
        server.start()
        assert served_version(server.address) == 5


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_others_end_again_and_again_is_started_again_each_time(
    base_path, monkeypatch, number
):
    monkeypatch.setattr("detector.embedded._QUICK_S", 3600.0)
    monkeypatch.setattr("detector.embedded._BACKOFF_S", 3600.0)  # never waited for
    with EmbeddedServer("m", base_path) as server:
        for _ in range(6):
            assert served_version(server.address) == 3
            wait_until_noticed(server, kill_and_wait(server, number))
        assert served_version(server.address) == 3


def test_several_quick_crashes_in_a_row_end_in_failure(base_path, monkeypatch):
    monkeypatch.setattr("detector.embedded._QUICK_S", 3600.0)  # on the slowest machine too
    with EmbeddedServer("m", base_path) as server:
        for _ in range(4):
            _ = server.address
            wait_until_noticed(server, kill_and_wait(server, signal.SIGABRT))
        with pytest.raises(ServerStartError, match="ended by signal 6"):
            _ = server.address
        assert server.state == "failed"


def test_waiting_for_the_address_has_an_end(base_path):
    with (
        EmbeddedServer("m", base_path, start_timeout_s=0.0) as server,
        pytest.raises(ServerStartError, match="not ready after"),
    ):
        _ = server.address


def test_many_threads_share_one_server(base_path):
    server = EmbeddedServer("m", base_path)

    def use(_):
        server.start()
        return server.address, server.pid

    try:
        with ThreadPoolExecutor(8) as threads:
            assert len(set(threads.map(use, range(32)))) == 1
    finally:
        server.close()


PARENT = """
    import os, sys, threading, time
    from pathlib import Path
    from detector.embedded import EmbeddedServer
    server = EmbeddedServer("m", Path(sys.argv[1]))
    starter = threading.Thread(target=server.start)  # a thread that ends before the process does
    starter.start()
    starter.join()
    server.address
    {fork}
    print(server.pid, flush=True)
    sys.stdin.readline()
    {end}
"""


def parent(base_path, *, fork="", end="pass"):
    """A process with an embedded server, and a pidfd of that server."""
    program = textwrap.dedent(PARENT).format(fork=fork, end=end)
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(base_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    return process, os.pidfd_open(int(process.stdout.readline()))


def test_the_child_survives_the_thread_that_started_it(base_path):
    process, child = parent(base_path)
    with process:
        assert not select.select([child], [], [], 0)[0]
        process.kill()
    wait_for_end(child)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_child_is_left_behind_when_its_parent_is_ended_by_a_signal(base_path, signal_number):
    process, child = parent(base_path)
    with process:
        process.send_signal(signal_number)
    wait_for_end(child)


def test_no_child_is_left_behind_when_a_fork_of_its_parent_lives_on(base_path):
    process, child = parent(base_path, fork="if not os.fork(): time.sleep(600)")
    try:
        process.kill()
        wait_for_end(child)
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # the fork, which holds the pipe of the server
        process.communicate()


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "raise ValueError", "os._exit(0)"])
def test_no_child_is_left_behind_when_its_parent_ends_by_itself(base_path, end):
    process, child = parent(base_path, end=end)
    process.communicate("go on\n")
    wait_for_end(child)
