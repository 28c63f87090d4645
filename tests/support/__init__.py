"""What several tests do in the same way."""
