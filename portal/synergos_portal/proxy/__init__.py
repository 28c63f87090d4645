"""Pages of other programs under addresses of the portal's: those that were listed at its start, and no other."""
