"""What the tests of contracts ask of answers."""

import httpx


def refused(reply: httpx.Response, status: int, code: str) -> str:
    """See that a request was refused as `circle_time` words it; returns the message."""
    assert reply.status_code == status, reply.text
    answer = reply.json()
    assert (answer["success"], answer["code"]) == (False, code)
    message: str = answer["message"]
    return message
