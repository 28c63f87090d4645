"""Short ways to make data and requests."""
