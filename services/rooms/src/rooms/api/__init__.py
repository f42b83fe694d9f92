"""The routes of the rooms service, a module a contract."""
