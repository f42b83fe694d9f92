"""The routes of the bookings service, a module a contract."""
