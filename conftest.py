"""For all tests."""

# pytest names test modules by their folders, and the folder `gateway` would hide the package.
import gateway  # noqa: F401
