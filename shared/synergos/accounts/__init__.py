"""Accounts: who people are to an orchestrator, and how a request shows whose it is. No HTTP, and no record of what may be done."""
