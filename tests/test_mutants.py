"""The list of what `make mutants` breaks fits the code, and names tests that there are."""

from mutants import MUTANTS, check_list


def test_the_list_fits_the_code() -> None:
    check_list(MUTANTS)
