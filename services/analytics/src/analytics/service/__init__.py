"""What the analytics service can tell."""
