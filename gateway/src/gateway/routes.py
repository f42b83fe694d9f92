"""Every path that the gateway serves: which service, under which contract, for whom, how much.

A trailing slash belongs to the path: ``/api/rooms`` and ``/api/rooms/`` are two routes of two
contracts, and neither redirects. ``{}`` stands for one segment, ``**`` for whatever follows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from common.contracts import Contract
from common.identity import Identity, Role
from gateway.editions import Edition
from gateway.settings import Settings

# --- who may call -------------------------------------------------------------------------------

Callers = frozenset[str]
ANYONE: Final[Callers] = frozenset({"anonymous", "panel", "edge", *Role})
SIGNED_IN: Final[Callers] = frozenset(Role)
EDGE: Final[Callers] = frozenset({"edge"})
PANEL: Final[Callers] = frozenset({"panel"})
ADMINS: Final[Callers] = frozenset({Role.ADMIN})
OPERATORS: Final[Callers] = frozenset({Role.ADMIN, Role.STAFF})


def admits(callers: Callers, identity: Identity) -> bool:
    """Tell whether a caller is among those who may call."""
    return (identity.role or identity.kind) in callers


# --- how often ----------------------------------------------------------------------------------


class Rate(StrEnum):
    """Requests of one class are counted together, by user, else by client address."""

    READ = "read"
    WRITE = "write"
    REQUEST = "request"  # for a booking, which somebody has to look at
    ADMIN = "admin"
    SIGN_IN = "sign_in"


# --- the table ----------------------------------------------------------------------------------

KIB: Final = 1024
ACCOUNTS: Final = "accounts"
_READS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the table.

    Args:
        path: what it serves.
        service: who answers; `accounts` is the gateway itself.
        contract: the document that words the answers.
        reads_contract: likewise for GET and HEAD, where another document has these.
        read, write: who may call with GET and HEAD, and with every other method.
        rate: class of the writes.
        read_rate: class of the reads.
        body_limit: largest request body, in bytes.
        edition: serves it in this edition only.
        deadline_s: an answer must have begun by then.
        unavailable: what callers are told while the service does not answer.
        streams: answers are long in coming or have no end; each caller has a few at a time, and
            they end with their token.
    """

    path: str
    service: str
    contract: Contract
    read: Callers
    write: Callers
    reads_contract: Contract | None = None
    rate: Rate = Rate.WRITE
    read_rate: Rate = Rate.READ
    body_limit: int = 64 * KIB
    edition: Edition | None = None
    deadline_s: float = 30.0
    unavailable: str = "Service temporarily unavailable"
    streams: bool = False

    def callers(self, method: str) -> Callers:
        return self.read if method in _READS else self.write

    def contract_of(self, method: str) -> Contract:
        return (self.reads_contract if method in _READS else None) or self.contract

    def rate_of(self, method: str) -> Rate:
        return self.rate if self.rate is Rate.SIGN_IN or method not in _READS else self.read_rate


def table(settings: Settings) -> tuple[Route, ...]:
    """Write the table for an installation's settings."""
    managers: Callers = settings.managers
    watchers = ANYONE if settings.occupancy_public else SIGNED_IN | EDGE

    def accounts(path: str, contract: Contract, **more: Any) -> Route:  # noqa: ANN401
        return Route(path=path, service=ACCOUNTS, contract=contract, **more)

    def rooms(path: str, contract: Contract, **more: Any) -> Route:  # noqa: ANN401
        return Route(path=path, service="rooms", contract=contract, **more)

    def bookings(path: str, contract: Contract, **more: Any) -> Route:  # noqa: ANN401
        return Route(path=path, service="bookings", contract=contract, **more)

    def panel(path: str, contract: Contract, **more: Any) -> Route:  # noqa: ANN401
        return Route(path=path, service="panel", contract=contract, **more)

    def analytics(path: str, contract: Contract, **more: Any) -> Route:  # noqa: ANN401
        return Route(path=path, service="analytics", contract=contract, **more)

    def occupancy(path: str, **more: Any) -> Route:  # noqa: ANN401 - fields of a route
        return Route(
            path=path,
            service="occupancy",
            contract=Contract.OCCUPANCY,
            unavailable="Occupancy service not initialized",
            **more,
        )

    circle_time, directory = Contract.CIRCLE_TIME, Contract.DIRECTORY
    heatmap, university = Contract.HEATMAP, Contract.UNIVERSITY
    in_circle_time = {"edition": Edition.CIRCLE_TIME}
    in_university = {"edition": Edition.UNIVERSITY}
    sign_in = {"read": ANYONE, "write": ANYONE, "rate": Rate.SIGN_IN, "body_limit": 8 * KIB}
    open_to_all = {"read": ANYONE, "write": ANYONE}
    signed_in = {"read": SIGNED_IN, "write": SIGNED_IN}
    at_the_door = {"read": SIGNED_IN | PANEL, "write": SIGNED_IN | PANEL}
    managed = {"read": ANYONE, "write": managers}
    administered = {"read": ANYONE, "write": ADMINS}
    admins = {"read": ADMINS, "write": ADMINS, "rate": Rate.ADMIN}
    reports = {**admins, "read_rate": Rate.ADMIN}
    return (
        # path, contract, who and how much
        accounts("/api/auth/login", circle_time, **sign_in),
        accounts("/api/auth/refresh", circle_time, **sign_in),
        accounts("/api/auth/me", circle_time, **signed_in),
        accounts("/api/auth/logout", circle_time, **signed_in),
        accounts("/api/auth/csrf", university, **open_to_all),
        accounts("/api/auth/providers", university, **open_to_all),
        accounts("/api/auth/callback/credentials", university, **sign_in),
        accounts("/api/auth/session", university, **open_to_all),
        accounts("/api/auth/signin", university, **open_to_all),
        accounts("/api/auth/signout", university, **open_to_all),
        accounts("/api/auth/error", university, **open_to_all),
        accounts("/api/users/login/", directory, **sign_in),
        accounts("/api/admin/users", university, **admins),
        accounts("/api/admin/users/{}", university, **admins),
        accounts("/api/admin/devices", university, **admins),
        accounts("/api/admin/devices/{}", university, **admins),
        accounts("/api/panel/pairings", circle_time, **sign_in),
        accounts("/api/panel/pairings/claim", circle_time, **open_to_all),
        accounts("/api/panel/device", circle_time, read=PANEL, write=PANEL),
        accounts("/api/panel/tickets", circle_time, **at_the_door),
        rooms("/api/rooms", circle_time, **in_circle_time, **signed_in),
        rooms("/api/rooms", university, **in_university, **open_to_all),
        analytics("/api/rooms/capacity-heatmap/", heatmap, **open_to_all),
        rooms("/api/rooms/", directory, **managed),
        rooms("/api/rooms/{}", circle_time, **in_circle_time, **signed_in),
        rooms("/api/rooms/{}", university, **in_university, **open_to_all),
        rooms("/api/rooms/{}/", directory, **managed),
        rooms("/api/rooms/availability", directory, **managed),
        rooms("/api/rooms/availability/", directory, **managed),
        rooms("/api/rooms/{}/availability", directory, **in_circle_time, **managed),
        bookings("/api/rooms/{}/availability", university, **in_university, **open_to_all),
        rooms("/api/rooms/{}/availability/", directory, **managed),
        bookings("/api/rooms/{}/bookings", circle_time, **signed_in),
        rooms("/api/locations/", directory, **managed),
        rooms("/api/locations/{}/", directory, **managed),
        rooms("/api/amenities/", directory, **managed),
        rooms("/api/amenities/{}/", directory, **managed),
        rooms("/api/buildings", university, **open_to_all),
        rooms("/api/admin/rooms", university, **admins),
        rooms("/api/admin/rooms/{}", university, **admins),
        bookings("/api/bookings", circle_time, reads_contract=university, **signed_in),
        bookings("/api/bookings/preview", circle_time, **signed_in),
        bookings("/api/bookings/{}", circle_time, **signed_in),
        bookings("/api/bookings/{}/checkin", circle_time, **at_the_door),
        bookings("/api/bookings/{}/end", circle_time, **at_the_door),
        bookings("/api/bookings/override", university, **admins),
        bookings("/api/requests", university, rate=Rate.REQUEST, **signed_in),
        bookings("/api/requests/{}", university, **admins),
        bookings("/api/requests/{}/cancel", university, **signed_in),
        bookings("/api/notifications", university, **signed_in),
        bookings("/api/notifications/{}/read", university, **signed_in),
        bookings("/api/notifications/read-all", university, **signed_in),
        bookings("/api/admin/audit", university, **admins),
        bookings("/api/blackouts/", directory, **administered),
        bookings("/api/blackouts/{}/", directory, **administered),
        bookings("/api/holidays/", directory, **administered),
        bookings("/api/holidays/{}/", directory, **administered),
        bookings("/api/terms/", directory, **administered),
        bookings("/api/terms/{}/", directory, **administered),
        bookings("/api/terms/{}/publish/", directory, **administered),
        # Of a large one, writing takes seconds, and those who write at once wait for each other.
        bookings(
            "/api/terms/{}/timetable/",
            directory,
            body_limit=8 * KIB * KIB,
            deadline_s=60.0,
            **administered,
        ),
        bookings("/api/allocations/", directory, **administered),
        bookings("/api/allocations/{}/", directory, **administered),
        bookings("/api/booking-policies/", directory, **admins),
        bookings("/api/booking-policies/{}/", directory, **admins),
        bookings("/api/booking-quotas/", directory, **admins),
        bookings("/api/booking-quotas/{}/", directory, **admins),
        bookings("/api/timeline", circle_time, **signed_in),
        bookings("/api/timeline/rooms", circle_time, **signed_in),
        bookings("/api/feeds", circle_time, **signed_in),
        bookings("/api/feeds/{}", circle_time, **signed_in),
        bookings("/api/calendar/{}", circle_time, **open_to_all),
        bookings("/api/webhooks", circle_time, **admins),
        bookings("/api/webhooks/{}", circle_time, **admins),
        bookings("/api/webhooks/{}/deliveries", circle_time, **admins),
        bookings("/api/webhooks/{}/replay", circle_time, **admins),
        # It may wait for half a minute until there is something else to say.
        panel(
            "/api/panel/rooms/{}/state", circle_time, **at_the_door, streams=True, deadline_s=40.0
        ),
        panel("/api/panel/rooms/{}/ws", circle_time, **at_the_door),
        bookings("/api/panel/rooms/{}/book", circle_time, **at_the_door),
        bookings("/api/panel/meetings/{}/checkin", circle_time, **at_the_door),
        bookings("/api/panel/meetings/{}/end", circle_time, **at_the_door),
        bookings("/api/panel/meetings/{}/extend", circle_time, **at_the_door),
        analytics("/api/analytics/kpi", circle_time, **admins),
        analytics("/api/analytics/utilization", circle_time, **admins),
        analytics("/api/analytics/ghosting", circle_time, **admins),
        analytics("/api/analytics/capacity", circle_time, **admins),
        analytics("/api/analytics/reality", circle_time, **admins),
        analytics("/api/analytics/flow", circle_time, **admins),
        analytics("/api/analytics/right-size", circle_time, **admins),
        analytics("/api/analytics/hours", circle_time, **admins),
        analytics("/api/analytics/hours.svg", circle_time, **admins),
        analytics("/api/analytics/heatmap.svg", heatmap, **open_to_all),
        analytics("/api/admin/reports/utilization", university, **reports),
        analytics("/api/admin/reports/peak-hours", university, **reports),
        analytics("/api/admin/reports/bookings-by-role", university, **reports),
        analytics("/api/admin/reports/export", university, **reports, streams=True),
        occupancy("/api/occupancy/edges/{}/configuration", read=EDGE | ADMINS, write=ADMINS),
        # An edge waits here until it is to take a picture.
        occupancy("/api/occupancy/edges/{}/snapshots", read=EDGE, write=EDGE, streams=True),
        occupancy(
            "/api/occupancy/edges/{}/snapshots/{}", read=EDGE, write=EDGE, body_limit=KIB * KIB
        ),
        occupancy("/api/occupancy/equipment", read=OPERATORS, write=OPERATORS),
        occupancy(
            "/api/occupancy/cameras/{}/snapshot", read=OPERATORS, write=OPERATORS, streams=True
        ),
        occupancy("/api/occupancy/stream", read=watchers, write=OPERATORS, streams=True),
        occupancy("/api/occupancy/**", read=watchers, write=OPERATORS),
    )


# --- looking up ---------------------------------------------------------------------------------


class _Node:
    __slots__ = ("any_segment", "children", "rest", "routes")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.any_segment: _Node | None = None
        self.routes: dict[Edition | None, Route] = {}
        self.rest: dict[Edition | None, Route] = {}


class RouteMap:
    """Finds the route of a path in one pass over its segments.

    A segment that is written out wins over ``{}``; that wins over ``**``.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            self._add(route)

    def find(self, path: bytes, edition: Edition) -> Route | None:
        """Return the route of a raw path, or None."""
        node, rest = self._root, None
        for segment in path[1:].split(b"/"):
            rest = node.rest or rest
            child = node.children.get(segment)
            if child is None and segment:
                child = node.any_segment
            if child is None:
                return _of(rest, edition)
            node = child
        return _of(node.routes, edition) or _of(rest, edition)

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.path[1:].split("/"):
            if segment == "**":
                node.rest[route.edition] = route
                return
            node = _step(node, segment)
        if route.edition in node.routes:
            raise ValueError(f"{route.path} stands in the table twice")
        node.routes[route.edition] = route


def _step(node: _Node, segment: str) -> _Node:
    if segment != "{}":
        return node.children.setdefault(segment.encode(), _Node())
    node.any_segment = node.any_segment or _Node()
    return node.any_segment


def _of(routes: dict[Edition | None, Route] | None, edition: Edition) -> Route | None:
    return (routes.get(edition) or routes.get(None)) if routes else None


def contracts_of(routes: Iterable[Route]) -> Iterator[tuple[Contract, frozenset[str]]]:
    """List each contract of the table with the services that serve it."""
    routes = tuple(routes)
    for contract in Contract:
        services = frozenset(
            route.service for route in routes if contract in {route.contract, route.reads_contract}
        )
        if services:
            yield contract, services
