"""The way in: routing, sign-in, limits, and the identity that services trust."""
