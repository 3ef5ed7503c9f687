"""bin/run as a real process: what it leaves behind, what it refuses, what it brings back."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from ops import ports
from tests.ops import runs


def test_kill_9_leaves_no_process_and_the_next_start_finds_the_data(data: Path) -> None:
    first = runs.start(data).until_up()
    first.sql("CREATE TABLE keepsake AS SELECT 4711 AS number")
    below = runs.descendants(first.process.pid)

    first.process.kill()
    first.process.communicate()

    assert len(below) >= 8
    assert runs.within(15, lambda: not runs.left_of(below)), runs.left_of(below)
    second = runs.start(data).until_up()
    try:
        assert second.sql("SELECT number FROM keepsake") == [(4711,)]
        assert second.port("opendental") == first.port("opendental")
    finally:
        second.interrupt()


def test_a_running_stack_refuses_rivals_heals_itself_and_stops_whole(run: runs.Run) -> None:
    _refuses_a_second_run_and_a_reset(run)
    _brings_back_a_killed_database(run)
    below = runs.descendants(run.process.pid)

    said = run.interrupt()

    assert run.process.returncode == 0
    assert "postgres stopped (killed by SIGKILL)" in said
    assert runs.left_of(below) == {}


def _refuses_a_second_run_and_a_reset(run: runs.Run) -> None:
    below = runs.descendants(run.process.pid)

    for arguments in ((), ("--reset", "--yes")):
        said = runs.refusal(run.data, *arguments)
        assert f"already running on {run.data} (process {run.process.pid})" in said
        assert said.count("\n") == 1

    assert runs.left_of(below) == below
    assert ports.answers_http(run.port("web"), "/healthz")()


def _brings_back_a_killed_database(run: runs.Run) -> None:
    postmaster = int((run.data / "postgres/data/postmaster.pid").read_text().splitlines()[0])

    os.kill(postmaster, signal.SIGKILL)

    assert runs.within(15, lambda: _signs_in(run))


def _signs_in(run: runs.Run) -> bool:
    from ops.postgres import accepts

    return accepts(run.url())()


def test_a_taken_port_is_named_together_with_the_option_that_changes_it(data: Path) -> None:
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        port = rival.getsockname()[1]

        said = runs.refusal(data, "--port", str(port))

    assert f"port {port} (web) is already in use. Choose another with --port" in said
    assert not (data / "postgres").exists()


def test_a_database_of_ones_own_needs_its_owner_too(data: Path) -> None:
    said = runs.refusal(
        data, DATABASE_URL="postgres://kasperpay_app@127.0.0.1:9/none", REDIS_URL=os.environ["REDIS_URL"]
    )

    assert "DATABASE_URL is set, but DATABASE_OWNER_URL is not." in said
    assert not (data / "postgres").exists()


def test_servers_of_ones_own_that_do_not_answer_are_named_without_their_password(data: Path) -> None:
    def with_owner(url: str) -> str:
        return runs.refusal(data, DATABASE_URL=url, DATABASE_OWNER_URL=url, REDIS_URL=os.environ["REDIS_URL"])

    silent = runs.refusal(data, REDIS_URL="redis://:hush-hush@127.0.0.1:9/0")

    assert "the server of REDIS_URL cannot be used" in silent
    assert "the database of DATABASE_OWNER_URL cannot be used" in with_owner("postgres://me:hush-hush@127.0.0.1:9/none")
    assert "not an address PostgreSQL understands" in with_owner("pg//me:hush-hush@127.0.0.1")
    assert "hush-hush" not in silent + with_owner("postgres://me:hush-hush@127.0.0.1:9/none") + with_owner(
        "pg//hush-hush"
    )
    assert not (data / "postgres").exists()


def test_reset_without_a_terminal_to_ask_on_deletes_nothing(data: Path) -> None:
    data.mkdir()
    (data / "keepsake").write_text("kept")

    said = runs.refusal(data, "--reset")

    assert "add --yes" in said
    assert (data / "keepsake").read_text() == "kept"
