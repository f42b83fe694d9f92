"""What an address of a camera's pictures may be. No I/O, no framework."""

from typing import Final
from urllib.parse import urlsplit

SCHEMES: Final = ("rtsp", "rtsps", "http", "https")
LONGEST: Final = 2000
_FORM: Final = "Expected an address such as rtsp://user:password@camera.example/stream; {}."


def check(url: str) -> None:
    """Refuse what cannot be an address of a camera; what stands in it is not repeated.

    Where it leads is not looked at: cameras stand in networks of their own, and it is their
    edge-counter that goes there.

    Raises:
        ValueError: it is of another scheme, names no host, or is no address.
    """
    if len(url) > LONGEST:
        raise ValueError(_FORM.format(f"it has more than {LONGEST} characters"))
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(_FORM.format("what is not plain ASCII is written as %20 and so on"))
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_FORM.format("its host or port is wrong")) from None
    if parts.scheme not in SCHEMES:
        raise ValueError(_FORM.format(f"its scheme may be {', '.join(SCHEMES)}"))
    if not host:
        raise ValueError(_FORM.format("it names no host"))
