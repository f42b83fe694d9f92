"""How well the rooms are used, told from what others say of them."""
