"""Ports of tests: a run of all of them asks for thousands, side by side."""

import socket

from common.testing.servers import Ports, free_port


def test_nobody_is_given_the_port_of_another() -> None:
    workers = [Ports(worker, 3) for worker in range(3)]
    found = [port for ports in workers for port in (ports.find() for _ in range(1000))]
    assert len(set(found)) == len(found)


def test_ports_in_a_row_are_all_free_and_given_once() -> None:
    ports = Ports()
    rows = [range(first, first + 8) for first in (ports.find(8) for _ in range(200))]
    assert len({port for row in rows for port in row}) == 8 * 200


def test_a_port_that_somebody_listens_on_is_given_to_nobody() -> None:
    taken = free_port()
    ports = Ports()
    with socket.create_server(("127.0.0.1", taken)):
        # Each there is, and some again.
        assert taken not in {ports.find() for _ in range(20_000)}
        assert all(
            taken not in range(first, first + 8) for first in [ports.find(8) for _ in range(2500)]
        )
