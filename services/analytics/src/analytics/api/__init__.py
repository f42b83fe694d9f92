"""What admins ask for, one module a contract."""
