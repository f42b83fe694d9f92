"""The contract `occupancy`."""
