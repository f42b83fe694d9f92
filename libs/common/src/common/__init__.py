"""What every Atrium process shares."""
