"""Requests, bookings, their rules, and what is told of them."""
