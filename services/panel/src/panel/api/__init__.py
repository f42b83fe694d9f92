"""What tablets at doors ask for, and what is pushed to them."""
