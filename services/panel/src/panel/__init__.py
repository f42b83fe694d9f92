"""What happens in a room, shown at its door."""
