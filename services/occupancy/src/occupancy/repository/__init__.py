"""Reads and writes the schema `occupancy`, in the caller's transaction."""
