"""What can be done with requests and bookings; each change is told on `bookings.booking.v1`."""
