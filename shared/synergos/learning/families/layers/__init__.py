"""Networks of torch layers, as a request lists them."""
