"""The table: which path is whose."""

import pytest

from common.contracts import Contract
from common.identity import Identity, Role
from gateway.editions import Edition
from gateway.routes import ANYONE, SIGNED_IN, Route, RouteMap, admits, table
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
        ("/api/rooms/cmwq3p8jtljxwczaa78n31lcj/", Contract.DIRECTORY),
        ("/api/locations/", Contract.DIRECTORY),
        ("/api/amenities/3/", Contract.DIRECTORY),
        ("/api/auth/me", Contract.CIRCLE_TIME),
        ("/api/users/login/", Contract.DIRECTORY),
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


def test_a_path_that_two_contracts_claim_is_decided_by_the_edition(routes: RouteMap) -> None:
    route = routes.find(b"/api/rooms", Edition.CIRCLE_TIME)

    assert route is not None
    assert route.contract is Contract.CIRCLE_TIME


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/", "/api/room/", "/api/rooms/1", "/api/rooms//", "/api/auth/me/", "/x"],
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

    assert services == {"accounts", "rooms", "occupancy"}
