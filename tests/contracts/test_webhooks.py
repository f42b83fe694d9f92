"""Webhooks, through the gateway of a running system, to a receiver of the test's own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from answers import refused
from making import booking_of, iso, make_room, soon
from receiver import Message, Receiver, Reply, receiving
from running_system import System, eventually

from common.testing.servers import free_port

HOUR = timedelta(hours=1)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def webhook(admin: httpx.AsyncClient, receiver: Receiver) -> AsyncIterator[dict[str, Any]]:
    """A webhook to the receiver, for as long as the test lasts."""
    made = await subscribed(admin, receiver.url)
    yield made
    await admin.delete(f"/api/webhooks/{made['id']}")


async def subscribed(client: httpx.AsyncClient, url: str, **more: Any) -> dict[str, Any]:
    reply = await client.post("/api/webhooks", json={"url": url, **more})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()["data"]
    return made


async def booked(client: httpx.AsyncClient, start: datetime | None = None) -> dict[str, Any]:
    body = booking_of(await make_room(client), start or soon())
    reply = await client.post("/api/bookings", json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()["data"]
    return made


async def deliveries_of(client: httpx.AsyncClient, webhook: dict[str, Any], **page: Any) -> Any:
    reply = await client.get(f"/api/webhooks/{webhook['id']}/deliveries", params=page)
    assert reply.status_code == 200, reply.text
    return reply.json()["data"]


async def arrived(receiver: Receiver, booking: dict[str, Any], count: int = 1) -> list[Message]:
    """Wait for messages of a booking; other tests' bookings arrive too."""

    async def look() -> list[Message]:
        return [one for one in receiver.received if one.event["data"]["id"] == booking["id"]]

    found: list[Message] = await eventually(look, lambda seen: len(seen) >= count)
    return found


class TestMaking:
    async def test_the_secret_is_shown_once(
        self, admin: httpx.AsyncClient, webhook: dict[str, Any], receiver: Receiver
    ) -> None:
        secret = webhook.pop("secret")
        shown = (await admin.get(f"/api/webhooks/{webhook['id']}")).json()["data"]
        listed = (await admin.get("/api/webhooks")).json()["data"]

        assert secret.startswith("whsec_")
        assert shown == webhook
        assert webhook in listed
        assert (webhook["url"], webhook["events"], webhook["active"]) == (receiver.url, None, True)

    async def test_a_repeated_request_makes_one_and_does_not_store_its_secret(
        self, admin: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        key = {"idempotency-key": f"webhook-{datetime.now(UTC).timestamp()}"}
        body = {"url": receiver.url}

        first = await admin.post("/api/webhooks", json=body, headers=key)
        again = await admin.post("/api/webhooks", json=body, headers=key)

        made = first.json()["data"]
        assert again.json()["data"] == {**made, "secret": None}
        assert (await admin.delete(f"/api/webhooks/{made['id']}")).status_code == 200

    @pytest.mark.parametrize("role", ["FACULTY", "STUDENT", "STAFF", None])
    async def test_they_are_for_admins(
        self, system: System, webhook: dict[str, Any], role: str | None
    ) -> None:
        path = f"/api/webhooks/{webhook['id']}"
        status, code = (403, "forbidden") if role else (401, "unauthorized")
        async with system.client(role) as client:
            for method, target in (
                ("GET", "/api/webhooks"),
                ("POST", "/api/webhooks"),
                ("GET", path),
                ("PATCH", path),
                ("DELETE", path),
                ("GET", f"{path}/deliveries"),
                ("POST", f"{path}/replay"),
            ):
                refused(await client.request(method, target, json={}), status, code)

    @pytest.mark.parametrize(
        "change",
        [
            {"url": None},
            {"url": ""},
            {"url": 7},
            {"url": "ftp://example.test/"},
            {"url": "https://user:password@example.test/"},
            {"url": "https://example.test/#x"},
            {"url": "http://127.0.0.2/"},
            {"url": "http://10.0.0.1/"},
            {"url": "http://169.254.169.254/latest"},
            {"url": "http://[::1]/"},
            {"url": "https://example.test/" + "x" * 2000},
            {"events": []},
            {"events": ["booking.eaten"]},
            {"events": "booking.created"},
            {"events": ["booking.created"] * 51},
            {"secret": "whsec_mine"},
            {"active": True},
        ],
        ids=str,
    )
    async def test_wrong_fields_are_400_and_make_nothing(
        self, admin: httpx.AsyncClient, receiver: Receiver, change: dict[str, Any]
    ) -> None:
        before = (await admin.get("/api/webhooks")).json()["data"]

        refused(
            await admin.post("/api/webhooks", json={"url": receiver.url, **change}),
            400,
            "validation_error",
        )

        assert (await admin.get("/api/webhooks")).json()["data"] == before

    @pytest.mark.parametrize(
        "change",
        [
            {"url": None},
            {"url": ""},
            {"url": "http://127.0.0.2/"},
            {"active": None},
            {"active": "perhaps"},
            {"events": []},
            {"secret": "x"},
        ],
        ids=str,
    )
    async def test_wrong_changes_change_nothing(
        self, admin: httpx.AsyncClient, webhook: dict[str, Any], change: dict[str, Any]
    ) -> None:
        path = f"/api/webhooks/{webhook['id']}"
        del webhook["secret"]

        refused(await admin.patch(path, json=change), 400, "validation_error")

        assert (await admin.get(path)).json()["data"] == webhook

    async def test_what_is_unknown_is_404(self, admin: httpx.AsyncClient) -> None:
        for webhook_id in ("x", "1", "c" + "0" * 24):
            path = f"/api/webhooks/{webhook_id}"
            refused(await admin.get(path), 404, "not_found")
            refused(await admin.patch(path, json={"active": False}), 404, "not_found")
            refused(await admin.delete(path), 404, "not_found")
            refused(await admin.get(f"{path}/deliveries"), 404, "not_found")
            reply = await admin.post(f"{path}/replay", json={"deliveryIds": [1]})
            refused(reply, 404, "not_found")


class TestDelivering:
    async def test_what_is_done_with_a_booking_arrives_in_order_as_on_the_topic(
        self,
        system: System,
        admin: httpx.AsyncClient,
        receiver: Receiver,
        webhook: dict[str, Any],
    ) -> None:
        made = await booked(admin)
        path = f"/api/bookings/{made['id']}"
        await admin.patch(path, json={"title": "جلسه"})
        await admin.delete(path)

        messages = await arrived(receiver, made, 3)

        assert [one.headers["atrium-event"] for one in messages] == [
            "booking.created",
            "booking.changed",
            "booking.cancelled",
        ]
        assert all(one.is_signed_by(webhook["secret"]) for one in messages)
        assert [one.event["data"]["status"] for one in messages] == [
            "confirmed",
            "confirmed",
            "cancelled",
        ]
        assert [one.body for one in messages] == await topic_of(system, made, 3)

    async def test_deliveries_are_listed_newest_first(
        self, admin: httpx.AsyncClient, receiver: Receiver, webhook: dict[str, Any]
    ) -> None:
        receiver.answer = lambda one: Reply(
            200 if one.headers["atrium-event"] == "booking.created" else 503, body=b"x" * 1000
        )
        made = await booked(admin)
        await arrived(receiver, made)
        await admin.delete(f"/api/bookings/{made['id']}")

        async def look() -> Any:
            return (await deliveries_of(admin, webhook))["deliveries"]

        newest, oldest = await eventually(
            look, lambda seen: len(seen) == 2 and seen[0]["attempts"] > 1
        )

        assert (oldest["state"], oldest["attempts"], oldest["lastStatus"]) == ("delivered", 1, 200)
        assert (oldest["nextAttemptAt"], oldest["lastAnswer"]) == (None, "x" * 200)
        assert (newest["event"], newest["state"]) == ("booking.cancelled", "pending")
        assert newest["lastStatus"] in {503, None}
        assert datetime.fromisoformat(newest["nextAttemptAt"]) > datetime.now(UTC) - HOUR
        assert newest["eventId"] == f"{made['id']}/2"
        page = await deliveries_of(admin, webhook, limit=1, page=2)
        assert [one["id"] for one in page["deliveries"]] == [oldest["id"]]
        assert page["pagination"]["total"] == 2

    async def test_it_is_tried_again_until_it_is_taken(
        self, admin: httpx.AsyncClient, receiver: Receiver, webhook: dict[str, Any]
    ) -> None:
        replies = iter([Reply(500), Reply(hangs=True), Reply(302, {"location": "/"}), Reply()])
        receiver.answer = lambda _: next(replies, Reply())
        made = await booked(admin)

        messages = await arrived(receiver, made, 4)

        assert len({one.headers["webhook-id"] for one in messages}) == 1
        assert all(one.is_signed_by(webhook["secret"]) for one in messages)

    async def test_switched_off_nothing_is_sent_and_another_address_gets_the_next(
        self, admin: httpx.AsyncClient, receiver: Receiver, webhook: dict[str, Any]
    ) -> None:
        path = f"/api/webhooks/{webhook['id']}"
        off = (await admin.patch(path, json={"active": False})).json()["data"]
        missed = await booked(admin)
        reply = await admin.post(f"{path}/replay", json={"deliveryIds": [1]})
        refused(reply, 409, "conflict")

        async with receiving() as other:
            change = {"active": True, "url": other.url, "events": ["booking.created"]}
            on = (await admin.patch(path, json=change)).json()["data"]
            made = await booked(admin)
            await arrived(other, made)

        assert (off["active"], on["active"], on["url"]) == (False, True, other.url)
        assert missed["id"] not in [one.event["data"]["id"] for one in other.received]
        assert receiver.received == []

    async def test_replay_sends_again_what_was_sent(
        self, admin: httpx.AsyncClient, receiver: Receiver, webhook: dict[str, Any]
    ) -> None:
        path = f"/api/webhooks/{webhook['id']}/replay"
        made = await booked(admin)
        [first] = await arrived(receiver, made)

        async def states() -> list[str]:
            page = await deliveries_of(admin, webhook)
            return [one["state"] for one in page["deliveries"]]

        await eventually(states, lambda seen: seen == ["delivered"])
        replied = await admin.post(path, json={"from": iso(datetime.now(UTC) - HOUR)})
        _, again = await arrived(receiver, made, 2)
        [listed] = (await deliveries_of(admin, webhook))["deliveries"]
        by_id = await admin.post(path, json={"deliveryIds": [listed["id"]]})
        await arrived(receiver, made, 3)

        assert (replied.json()["data"], by_id.json()["data"]) == ({"queued": 1}, {"queued": 1})
        assert again.body == first.body
        assert again.headers["webhook-id"] == first.headers["webhook-id"]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"to": "2026-01-01T00:00:00Z"},
            {"from": "yesterday"},
            {"from": "2026-01-01T00:00:00"},
            {"deliveryIds": []},
            {"deliveryIds": [0]},
            {"deliveryIds": [True]},
            {"deliveryIds": [2**63]},
            {"deliveryIds": list(range(1, 1002))},
            {"deliveryIds": [1], "since": "2026-01-01T00:00:00Z"},
        ],
        ids=lambda body: str(body)[:40],
    )
    async def test_wrong_replays_are_400(
        self, admin: httpx.AsyncClient, webhook: dict[str, Any], body: dict[str, Any]
    ) -> None:
        reply = await admin.post(f"/api/webhooks/{webhook['id']}/replay", json=body)

        refused(reply, 400, "validation_error")

    @pytest.mark.timeout(180)
    @pytest.mark.usefixtures("webhook")
    async def test_a_killed_service_sends_what_it_had_not(
        self, system: System, admin: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        taken: set[str] = set()
        receiver.answer = lambda _: Reply(503)
        made = {(await booked(admin))["id"] for _ in range(5)}

        system.kill("bookings")
        receiver.answer = lambda one: taken.add(one.event["data"]["id"]) or Reply()

        async def look() -> set[str]:
            return taken & made

        # What was under way when it was killed is claimed for a minute.
        await eventually(look, lambda seen: seen == made, within_s=100)
        # Leave the system as others want it: killed, it takes events again after a while.
        body = booking_of(await make_room(admin), soon())
        await eventually(
            lambda: admin.post("/api/bookings", json=body),
            lambda reply: reply.status_code == 201,
            within_s=60,
        )


class TestSecrets:
    async def test_no_log_shows_a_secret_or_an_address(
        self, system: System, admin: httpx.AsyncClient, receiver: Receiver
    ) -> None:
        receiver.answer = lambda _: Reply(500, body=b"canary-of-the-answer")
        made = await subscribed(admin, f"{receiver.url}?key=canary-of-the-address")
        await arrived(receiver, await booked(admin), 2)
        await admin.delete(f"/api/webhooks/{made['id']}")

        log = system.output.read_text()
        assert "webhook not taken" in log
        for secret in (made["secret"], "canary-of-the-answer", "canary-of-the-address"):
            assert secret not in log


class TestTheGuide:
    async def test_its_receiver_believes_what_we_send_and_nobody_else(
        self, admin: httpx.AsyncClient, tmp_path: Path
    ) -> None:
        """docs/guides/integrating.md, "A receiver", as it stands there."""
        port, output = free_port(), tmp_path / "output"
        url = f"http://127.0.0.1:{port}/atrium"
        made = await subscribed(admin, url)
        with guides_receiver(tmp_path, made["secret"], port):
            booking = await booked(admin)
            await admin.delete(f"/api/bookings/{booking['id']}")

            async def printed() -> list[str]:
                return [line for line in lines_of(output) if line.startswith(booking["id"])]

            seen = await eventually(printed, lambda lines: len(lines) == 2)
            forged = {
                "webhook-id": "x",
                "webhook-timestamp": str(int(time.time())),
                "webhook-signature": "v1,AAAA",
            }
            async with httpx.AsyncClient() as stranger:
                reply = await stranger.post(url, headers=forged, content=b"{}")
        await admin.delete(f"/api/webhooks/{made['id']}")

        assert reply.status_code == 401
        assert seen == [f"{booking['id']} 1 confirmed", f"{booking['id']} 2 cancelled"]


@contextmanager
def guides_receiver(folder: Path, secret: str, port: int) -> Iterator[None]:
    """Run the guide's receiver; what it prints goes to `output` in the folder."""
    program = folder / "receiver.py"
    program.write_text(receiver_of_the_guide())
    environment = {
        **os.environ,
        "ATRIUM_WEBHOOK_SECRET": secret,
        "ATRIUM_RECEIVER_PORT": str(port),
        "ATRIUM_RECEIVER_DATABASE": str(folder / "receiver.sqlite3"),
    }
    with (folder / "output").open("w") as output:
        process = subprocess.Popen([sys.executable, program], env=environment, stdout=output)
        try:
            yield
        finally:
            process.kill()
            process.wait()


def lines_of(file: Path) -> list[str]:
    return file.read_text().splitlines()


def receiver_of_the_guide() -> str:
    guide = Path(__file__).parents[2] / "docs/guides/integrating.md"
    section = guide.read_text().partition("### A receiver\n")[2]
    return section.partition("```python\n")[2].partition("```")[0]


async def topic_of(system: System, booking: dict[str, Any], count: int) -> list[bytes]:
    """Read the events of a booking from its topic."""
    found: list[bytes] = []
    consumer = AIOKafkaConsumer(
        "bookings.booking.v1", bootstrap_servers=system.kafka, auto_offset_reset="earliest"
    )
    async with consumer:
        async for record in consumer:
            if json.loads(record.value)["data"]["id"] == booking["id"]:
                found.append(record.value)
                if len(found) == count:
                    break
    return found
