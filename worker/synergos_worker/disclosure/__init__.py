"""Disclosure control: what may leave a worker of its participant's rows; whatever is answered comes by here."""
