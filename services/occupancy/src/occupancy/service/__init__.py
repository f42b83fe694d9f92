"""What the occupancy service can do."""
