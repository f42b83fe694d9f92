"""Who has an account, and the tokens by which they are known."""
