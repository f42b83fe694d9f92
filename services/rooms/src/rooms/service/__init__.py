"""What can be done with rooms; each change of one is told on `rooms.room.v1`."""
