"""Reads and writes the schema `bookings`."""
