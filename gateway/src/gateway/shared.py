"""What the listeners of a gateway have in common."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp

from gateway.auth import Authenticator
from gateway.limits import SlidingWindows
from gateway.routes import Rate, RouteMap
from gateway.sites import Sites
from gateway.upstream import Upstream

RedeemTicket = Callable[[bytes], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Shared:
    """One of each per process; every listener reads the same.

    Args:
        routes: the table.
        upstreams: connections, by service.
        streams: likewise, those on which an answer has no end; they leave the others free.
        open_streams: how many each caller has, by what they are.
        accounts: answers the routes whose service is `accounts`.
        authenticator: tells who is calling.
        redeem: takes a ticket back, by its digest; returns that of the token it stands for.
        windows: counts requests.
        sites: tells our own pages from foreign ones.
        limits: requests a minute, by class.
        trusted_proxies: proxies of ours before the gateway.
        university_hosts: Host names that mean the university edition, lower case.
    """

    routes: RouteMap
    upstreams: Mapping[str, Upstream]
    streams: Mapping[str, Upstream]
    open_streams: Counter[tuple[str, str]]
    accounts: ASGIApp
    authenticator: Authenticator
    redeem: RedeemTicket
    windows: SlidingWindows
    sites: Sites
    limits: Mapping[Rate, int]
    trusted_proxies: int
    university_hosts: frozenset[bytes]
