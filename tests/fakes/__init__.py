"""Small working stand-ins for the project's parts."""
