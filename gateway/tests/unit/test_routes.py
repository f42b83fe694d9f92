"""The table: which path is whose."""

import pytest

from common.contracts import Contract
from common.identity import Identity, Role
from gateway.editions import Edition
from gateway.routes import ANYONE, SIGNED_IN, Callers, Rate, Route, RouteMap, admits, table
from gateway.settings import Settings

SETTINGS = Settings(database_url="postgresql://a:b@c/d", identity_key="")
BOTH = (Edition.CIRCLE_TIME, Edition.UNIVERSITY)


@pytest.fixture(scope="module")
def routes() -> RouteMap:
    return RouteMap(table(SETTINGS))


@pytest.mark.parametrize(
    ("path", "contract"),
    [
        ("/api/rooms/", Contract.DIRECTORY),
        ("/api/rooms/12/", Contract.DIRECTORY),
        ("/api/rooms/capacity-heatmap/", Contract.HEATMAP),
        ("/api/rooms/cmwq3p8jtljxwczaa78n31lcj/", Contract.DIRECTORY),
        ("/api/locations/", Contract.DIRECTORY),
        ("/api/amenities/3/", Contract.DIRECTORY),
        ("/api/auth/me", Contract.CIRCLE_TIME),
        ("/api/users/login/", Contract.DIRECTORY),
        ("/api/admin/users", Contract.UNIVERSITY),
        ("/api/admin/rooms/cmwq3p8jtljxwczaa78n31lcj", Contract.UNIVERSITY),
        ("/api/buildings", Contract.UNIVERSITY),
        ("/api/requests/cmwq3p8jtljxwczaa78n31lcj/cancel", Contract.UNIVERSITY),
        ("/api/notifications/read-all", Contract.UNIVERSITY),
        ("/api/bookings/override", Contract.UNIVERSITY),
        ("/api/bookings/cmwq3p8jtljxwczaa78n31lcj/checkin", Contract.CIRCLE_TIME),
        ("/api/rooms/cmwq3p8jtljxwczaa78n31lcj/bookings", Contract.CIRCLE_TIME),
        ("/api/rooms/availability", Contract.DIRECTORY),
        ("/api/rooms/availability/", Contract.DIRECTORY),
        ("/api/rooms/12/availability/", Contract.DIRECTORY),
        ("/api/blackouts/", Contract.DIRECTORY),
        ("/api/occupancy/cameras", Contract.OCCUPANCY),
        ("/api/occupancy/cameras/1/live", Contract.OCCUPANCY),
    ],
)
def test_a_path_has_one_contract_in_both_editions(
    routes: RouteMap, path: str, contract: Contract
) -> None:
    for edition in BOTH:
        route = routes.find(path.encode(), edition)

        assert route is not None
        assert route.contract is contract


@pytest.mark.parametrize(
    ("path", "circle_time", "university", "readers"),
    [
        ("/api/rooms", Contract.CIRCLE_TIME, Contract.UNIVERSITY, SIGNED_IN),
        ("/api/rooms/12", Contract.CIRCLE_TIME, Contract.UNIVERSITY, SIGNED_IN),
        ("/api/rooms/12/availability", Contract.DIRECTORY, Contract.UNIVERSITY, ANYONE),
    ],
)
def test_a_path_that_two_contracts_claim_is_decided_by_the_edition(
    routes: RouteMap,
    path: str,
    circle_time: Contract,
    university: Contract,
    readers: Callers,  # in the circle_time edition; in the other one anyone
) -> None:
    first, second = (routes.find(path.encode(), edition) for edition in BOTH)

    assert first is not None
    assert second is not None
    assert (first.contract, second.contract) == (circle_time, university)
    assert (first.read, second.read) == (readers, ANYONE)


def test_the_availability_of_a_room_is_answered_by_whoever_knows_that_documents_slots(
    routes: RouteMap,
) -> None:
    found = [routes.find(b"/api/rooms/12/availability", edition) for edition in BOTH]

    assert [route.service for route in found if route] == ["rooms", "bookings"]


@pytest.mark.parametrize(
    ("method", "contract"),
    [
        ("GET", Contract.UNIVERSITY),
        ("HEAD", Contract.UNIVERSITY),
        ("POST", Contract.CIRCLE_TIME),
        ("BREW", Contract.CIRCLE_TIME),
    ],
)
def test_a_path_may_speak_another_document_when_it_is_read(
    routes: RouteMap, method: str, contract: Contract
) -> None:
    for edition in BOTH:
        route = routes.find(b"/api/bookings", edition)

        assert route is not None
        assert route.contract_of(method) is contract


def test_a_path_of_one_document_speaks_it_however_it_is_called(routes: RouteMap) -> None:
    route = routes.find(b"/api/requests", Edition.CIRCLE_TIME)

    assert route is not None
    assert {route.contract_of(method) for method in ("GET", "POST")} == {Contract.UNIVERSITY}


@pytest.mark.parametrize(
    ("path", "read", "write"),
    [
        ("/api/requests", Rate.READ, Rate.REQUEST),
        ("/api/requests/1", Rate.READ, Rate.ADMIN),
        ("/api/requests/1/cancel", Rate.READ, Rate.WRITE),
        ("/api/bookings", Rate.READ, Rate.WRITE),
        ("/api/bookings/override", Rate.READ, Rate.ADMIN),
        ("/api/admin/rooms", Rate.READ, Rate.ADMIN),
        ("/api/admin/reports/export", Rate.ADMIN, Rate.ADMIN),
        ("/api/auth/login", Rate.SIGN_IN, Rate.SIGN_IN),
    ],
)
def test_requests_are_counted_by_class(
    routes: RouteMap, path: str, read: Rate, write: Rate
) -> None:
    route = routes.find(path.encode(), Edition.UNIVERSITY)

    assert route is not None
    assert (route.rate_of("GET"), route.rate_of("POST")) == (read, write)


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/", "/api/room/", "/api/rooms/1/x", "/api/rooms//", "/api/auth/me/", "/x"],
)
def test_what_is_not_in_the_table_has_no_route(routes: RouteMap, path: str) -> None:
    assert routes.find(path.encode(), Edition.UNIVERSITY) is None


def test_a_written_segment_wins_over_any_segment_and_that_over_the_rest() -> None:
    def route(path: str) -> Route:
        contract = Contract.OCCUPANCY
        return Route(path=path, service=path, contract=contract, read=ANYONE, write=ANYONE)

    found = RouteMap(map(route, ["/a/**", "/a/{}/c", "/a/b/c"]))

    services = {
        path: getattr(found.find(path.encode(), BOTH[0]), "service", None)
        for path in ("/a/b/c", "/a/x/c", "/a/x/y", "/a", "/a/b")
    }
    assert services == {
        "/a/b/c": "/a/b/c",
        "/a/x/c": "/a/{}/c",
        "/a/x/y": "/a/**",
        "/a": None,
        "/a/b": "/a/**",
    }


def test_who_may_call_is_decided_by_role_and_for_others_by_kind() -> None:
    admin = Identity(kind="user", role=Role.ADMIN)
    edge = Identity(kind="edge")

    assert admits(SIGNED_IN, admin)
    assert not admits(SIGNED_IN, edge)
    assert admits(ANYONE, edge)


def test_every_service_of_the_table_has_an_address() -> None:
    services = {route.service for route in table(SETTINGS)}

    assert services == {"accounts", "rooms", "bookings", "panel", "analytics", "occupancy"}
