"""What every program shares: flags, logging, limits on processors, and the server it runs in."""
