"""What the figures mean. No I/O, no framework, no clock."""
