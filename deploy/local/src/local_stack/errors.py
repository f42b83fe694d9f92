"""What keeps the local stack from starting."""


class CannotStart(Exception):
    """One line for the person at the terminal: what is wrong and what mends it."""
