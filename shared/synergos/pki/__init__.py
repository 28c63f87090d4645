"""A consortium's certificates: an authority that signs requests and revokes, and sites whose keys never leave them."""
