"""Ports stay what they were, because practices keep the addresses they were connected with."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ops import ports
from ops.console import UnableToStart
from ops.places import Places
from ops.stack import choose_ports


def test_a_second_start_takes_the_ports_of_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = choose_ports(Places(tmp_path), {}, any_free=True)
    (tmp_path / "demo.json").touch()

    assert choose_ports(Places(tmp_path), {}, any_free=False) == first
    assert sorted(first) == sorted(ports.DEFAULTS)
    assert len(set(first.values())) == 8
    assert capsys.readouterr().err == ""


def test_an_address_that_moved_under_connected_practices_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = choose_ports(Places(tmp_path), {}, any_free=True)
    (tmp_path / "demo.json").touch()
    other = ports.free_port(taken=set(first.values()))

    moved = choose_ports(Places(tmp_path), {"web": other}, any_free=False)

    assert moved == {**first, "web": other}
    assert capsys.readouterr().err.startswith("The address of web is not what it was")


def test_a_port_nobody_types_is_replaced_quietly_but_not_when_it_was_asked_for() -> None:
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        taken = rival.getsockname()[1]
        free = ports.choose({}, {}, any_free=True)

        chosen = ports.choose({}, {**free, "valkey": taken}, any_free=False)
        with pytest.raises(UnableToStart, match=rf"port {taken} \(valkey\).*--valkey-port"):
            ports.choose({"valkey": taken}, free, any_free=False)

    assert chosen["valkey"] not in {taken, free["valkey"]}
    assert {**chosen, "valkey": 0} == {**free, "valkey": 0}


def test_two_services_are_never_given_one_port() -> None:
    one = ports.free_port()

    with pytest.raises(
        UnableToStart, match=rf"port {one} \(stripe\) is already in use. Choose another with --sandbox-port"
    ):
        ports.choose({"web": one, "stripe": one}, {}, any_free=True)
