"""TLS of programs and their clients: whom they believe, what they show of themselves, and what is said when that does not hold.

Whoever has the driver alone has this too: only :mod:`synergos.tls.certificate` takes more than the standard library.
"""
