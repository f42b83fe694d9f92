"""Reads and writes the schema `analytics`, in the caller's transaction."""
