"""The two statements of the hot path: what has to be known to book a room, and booking it.

They are written out, and run on the driver's own connection, because making and adapting them
costs more than running them (docs/adr/0013). Everything else is SQLAlchemy's.
"""

from typing import Final

# $1 the room, by its integer id or its CUID; $2 and $3 the period, $4 role, $5 user, all of them
# null if nobody wants to book. Each way to name a room is a statement of its own: Postgres would
# plan one with `OR` anew each time, which takes longer than running it.
_LOOK: Final = """
SELECT room.id, room.cuid, room.name, room.building, room.timezone, room.floor, room.capacity,
    room.amenities, room.images, room.is_active, room.is_locked, room.restricted_roles,
    policy.room_id AS policy_room_id, policy.buffer_before, policy.buffer_after,
    policy.pending_holds, policy.checkin_opens, policy.checkin_closes,
    policy.checkin_exempt_over, policy.horizon_days, policy.min_minutes, policy.max_minutes,
    EXISTS (SELECT FROM bookings.users WHERE id = $5) AS knows_caller,
    EXISTS (SELECT FROM bookings.quotas WHERE role = $4) AS has_quota,
    EXISTS (
        SELECT FROM bookings.blackouts
        WHERE ends_at > $2 AND starts_at < $3 AND (room_id IS NULL OR room_id = room.id)
    ) OR EXISTS (
        SELECT FROM bookings.holidays
        WHERE date BETWEEN ($2 AT TIME ZONE room.timezone)::date
            AND ($3 AT TIME ZONE room.timezone)::date
    ) AS may_be_closed
FROM bookings.rooms room
LEFT JOIN LATERAL (
    SELECT * FROM bookings.policies WHERE room_id IN (room.id, 0) ORDER BY room_id DESC LIMIT 1
) policy ON true
WHERE room.{} = $1
"""
LOOK_BY_ID: Final = _LOOK.format("id")
LOOK_BY_CUID: Final = _LOOK.format("cuid")

# $1 id, $2 room, $3 organizer, $4 attendees, $5 title, $6 description, $7 and $8 the period,
# $9 and $10 what is held, $11 and $12 the check-in window, $13 now; $14 topic, $15 event id,
# $16 event; $17 id of the entry of the audit; $18 name of the event for webhooks
BOOK: Final = """
WITH made AS (
    INSERT INTO bookings.bookings (
        id, version, room_id, organizer_id, attendee_ids, title, description, starts_at, ends_at,
        held, status, pending_holds, requested, is_override, checkin_from, checkin_until,
        created_at
    ) VALUES (
        $1, 1, $2, $3, $4, $5, $6, $7, $8, tstzrange($9, $10), 'confirmed', false, false, false,
        $11, $12, $13
    ) ON CONFLICT DO NOTHING RETURNING id
), told AS (
    INSERT INTO bookings.outbox (topic, key, payload, headers)
    SELECT $14, $2::integer::text, $16, '{}' FROM made
), queued AS (
    INSERT INTO bookings.webhook_deliveries (webhook_id, event_id, booking_id, event, body)
    SELECT webhooks.id, $15, made.id, $18, $16 FROM made, bookings.webhooks
    WHERE webhooks.active AND (webhooks.events IS NULL OR $18 = ANY (webhooks.events))
), noted AS (
    INSERT INTO bookings.audit (id, actor_user_id, action_type, target_type, target_id)
    SELECT $17, $3, 'BOOKING_CREATED', 'BOOKING', made.id FROM made
)
SELECT id FROM made
"""
