"""Where workers that dial out arrive, and where requests to them take the connections that wait."""
