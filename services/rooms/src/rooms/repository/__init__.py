"""Reads and writes the schema `rooms`, in the caller's transaction."""
