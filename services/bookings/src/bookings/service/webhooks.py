"""Webhooks: who makes them, what becomes of each delivery, and when one is switched off."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bookings import webhook as rules
from bookings.outbound import Answer, NotSent, Reach
from bookings.repository.outward import Attempt, Deliveries, Webhooks
from bookings.repository.rows import Values
from bookings.repository.told import Audit, Notifications
from bookings.service.booking import person_of
from common.db import AsyncSession
from common.errors import Conflict, NotFound, invalid_field
from common.identity import Identity
from common.ids import is_cuid, new_cuid
from common.sealing import Seal

NO_WEBHOOK: Final = "Webhook not found"
MOST_WEBHOOKS: Final = 50


# --- making ---------------------------------------------------------------------------------------


async def make(
    session: AsyncSession,
    identity: Identity,
    *,
    url: str,
    events: Sequence[str] | None,
    seal: Seal,
    reach: Reach,
) -> tuple[Values, str]:
    """Make a webhook.

    Args:
        events: which it is told of; None: all of them, also those that there will be.

    Returns:
        the webhook, and its secret, which is not shown again.

    Raises:
        Invalid: the address is not one to which anything is sent.
        Conflict: there are the most that there may be.
    """
    person = person_of(identity)
    _check_url(url, reach)
    secret, webhook_id = secrets.token_bytes(rules.SECRET_BYTES), new_cuid()
    values = {
        "id": webhook_id,
        "user_id": person.id,
        "url": url,
        "events": _listed(events),
        "secret": seal.close(secret, of=webhook_id),
    }
    made = await Webhooks(session).add(values, most=MOST_WEBHOOKS)
    if made is None:
        raise Conflict(f"There are {MOST_WEBHOOKS} webhooks: delete one that is not used.")
    await _note(session, person.id, "WEBHOOK_CREATED", webhook_id)
    return made, rules.secret_text(secret)


async def every(session: AsyncSession) -> Sequence[Values]:
    """List the webhooks, newest first."""
    return await Webhooks(session).find()


async def find(session: AsyncSession, webhook_id: str) -> Values:
    """Find a webhook.

    Raises:
        NotFound: there is none.
    """
    found = await Webhooks(session).get(webhook_id) if is_cuid(webhook_id) else None
    if found is None:
        raise NotFound(NO_WEBHOOK)
    return found


async def change(
    session: AsyncSession,
    identity: Identity,
    webhook_id: str,
    changes: Mapping[str, Any],
    reach: Reach,
) -> Values:
    """Change a webhook's address or events, or switch it on or off.

    Raises:
        NotFound
        Invalid: the address is not one to which anything is sent.
    """
    before = await find(session, webhook_id)
    values = dict(changes)
    if "url" in values:
        _check_url(values["url"], reach)
    if "events" in values:
        values["events"] = _listed(values["events"])
    # Whoever mends it gets five days anew, and what waits at once.
    if values.get("active") or values.get("url", before["url"]) != before["url"]:
        values |= {"failing_since": None, "off_reason": None}
        await Deliveries(session).hasten(webhook_id)
    changed = await Webhooks(session).change(webhook_id, values) if values else before
    if changed is None:
        raise NotFound(NO_WEBHOOK)
    await _note(session, identity.id, "WEBHOOK_CHANGED", webhook_id)
    return changed


async def remove(session: AsyncSession, identity: Identity, webhook_id: str) -> None:
    """Delete a webhook, with what was to be sent to it.

    Raises:
        NotFound: there is none.
    """
    if not is_cuid(webhook_id) or not await Webhooks(session).remove(webhook_id):
        raise NotFound(NO_WEBHOOK)
    await _note(session, identity.id, "WEBHOOK_DELETED", webhook_id)


def _check_url(url: str, reach: Reach) -> None:
    try:
        reach.check(url)
    except rules.WrongUrl as error:
        raise invalid_field("url", str(error)) from error


def _listed(events: Sequence[str] | None) -> list[str] | None:
    return None if events is None else sorted(set(events))


async def _note(session: AsyncSession, actor_id: str | None, action: str, webhook_id: str) -> None:
    entry = {
        "id": new_cuid(),
        "actor_user_id": actor_id,
        "action_type": action,
        "target_type": "WEBHOOK",
        "target_id": webhook_id,
        "reason": None,
    }
    await Audit(session).add([entry])


# --- deliveries -----------------------------------------------------------------------------------


async def replay(
    session: AsyncSession,
    identity: Identity,
    webhook_id: str,
    *,
    since: datetime | None,
    until: datetime | None,
    ids: Sequence[int] | None,
) -> int:
    """Send deliveries again that were made in a time, or that are named.

    Returns:
        how many there are.

    Raises:
        NotFound
        Conflict: the webhook is switched off.
    """
    webhook = await find(session, webhook_id)
    if not webhook["active"]:
        raise Conflict("The webhook is switched off: switch it on first.")
    count = await Deliveries(session).replay(webhook_id, since=since, until=until, ids=ids)
    await _note(session, identity.id, "WEBHOOK_REPLAYED", webhook_id)
    return count


def headers_of(attempt: Attempt, secret: bytes) -> dict[str, str]:
    """Return the headers of a delivery: what it is, when it was sent, and that it is from us."""
    timestamp = int(attempt.now.timestamp())
    return {
        "content-type": "application/cloudevents+json; charset=utf-8",
        "user-agent": "Atrium-Webhooks/1",
        "webhook-id": attempt.event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": rules.signature(secret, attempt.event_id, timestamp, attempt.body),
        "atrium-webhook": attempt.webhook_id,
        "atrium-event": attempt.event,
        "atrium-delivery": str(attempt.id),
    }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt.

    Args:
        taken: the receiver has it.
        status: that it answered; None: it did not.
        said: the beginning of its answer, or why there was none.
    """

    taken: bool
    status: int | None
    said: str
    retry_after_s: float | None = None

    @classmethod
    def of(cls, answer: Answer | NotSent) -> "Outcome":
        if isinstance(answer, NotSent):
            return cls(taken=False, status=None, said=str(answer)[: rules.KEPT_ANSWER_BYTES])
        return cls(
            taken=200 <= answer.status < 300,
            status=answer.status,
            said=rules.shown_answer(answer.beginning),
            retry_after_s=rules.retry_after_s(answer.retry_after, datetime.now(UTC)),
        )


async def settle(
    session: AsyncSession, attempt: Attempt, outcome: Outcome, *, first_retry_s: float
) -> None:
    """Write what became of an attempt, and when the next one is.

    After three days a delivery is given up. A webhook that has taken nothing for five days is
    switched off, and who has made it is told.
    """
    seen = {"last_status": outcome.status, "last_answer": outcome.said}
    webhooks = Webhooks(session)
    if outcome.taken:
        await Deliveries(session).settle(attempt, {**seen, "state": "delivered"})
        await webhooks.well(attempt.webhook_id)
        return
    pause_s = rules.pause_s(
        attempt.attempts, first_s=first_retry_s, retry_after_s=outcome.retry_after_s
    )
    deliveries = Deliveries(session)
    if attempt.now + timedelta(seconds=pause_s) > attempt.first_attempt_at + rules.TRIED_FOR:
        was_ours = await deliveries.settle(attempt, {**seen, "state": "failed"})
    else:
        was_ours = await deliveries.settle(attempt, seen, again_in_s=pause_s)
    if not was_ours:
        return
    reason = f"{outcome.status} {outcome.said}".strip() if outcome.status else outcome.said
    off = await webhooks.failed(attempt.webhook_id, reason, off_after=rules.OFF_AFTER)
    if off is not None:
        await _note(session, None, "WEBHOOK_SWITCHED_OFF", attempt.webhook_id)
        await Notifications(session).add([_switched_off(off)])


def _switched_off(webhook: Values) -> dict[str, Any]:
    # Not its address: that may be a secret too.
    return {
        "id": new_cuid(),
        "user_id": webhook["user_id"],
        "type": "WEBHOOK_SWITCHED_OFF",
        "title": "Webhook Switched Off",
        "message": (
            f"Your webhook {webhook['id']} was switched off: it has taken nothing for"
            f" {rules.OFF_AFTER.days} days."
        ),
        "metadata": {"webhookId": webhook["id"], "reason": webhook["off_reason"]},
    }
