"""The pages on which a browser signs in and out without a script, in place of NextAuth's own."""

import html
from typing import Final

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # With no-referrer, which our other answers say, a browser would send its form from nowhere.
    "referrer-policy": "same-origin",
}
_ERRORS: Final = {
    "CredentialsSignin": "The account or the password is wrong.",
    "MissingCSRF": "This page was open for too long. Please try again.",
    "SessionRequired": "Please sign in to see that page.",
}
_OTHER: Final = "Signing in did not work. Please try again."
_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<h1>{title}</h1>
{error}<form method="post" action="{action}">
<input type="hidden" name="csrfToken" value="{token}">
{fields}<p><button>{title}</button>
</form>
</html>
"""
_FIELDS: Final = """<input type="hidden" name="callbackUrl" value="{callback_url}">
<p><label>Email <input name="email" autocomplete="username" maxlength="320" required></label>
<p><label>Password <input name="password" type="password" autocomplete="current-password" \
maxlength="1024" required></label>
"""


def known_error(name: str) -> str:
    """Return the name of an error that a page can show."""
    return name if name in _ERRORS else "Default"


def sign_in(token: str, callback_url: str, *, error: str | None) -> str:
    """Write the page for signing in."""
    fields = _FIELDS.format(callback_url=html.escape(callback_url))
    return _page("Sign in", "/api/auth/callback/credentials", token, fields, error)


def sign_out(token: str, *, error: str | None) -> str:
    """Write the page for signing out."""
    return _page("Sign out", "/api/auth/signout", token, "", error)


def _page(title: str, action: str, token: str, fields: str, error: str | None) -> str:
    # The text is ours, whatever the address says.
    shown = f'<p role="alert">{_ERRORS.get(error, _OTHER)}</p>\n' if error else ""
    return _PAGE.format(title=title, action=action, token=token, fields=fields, error=shown)
