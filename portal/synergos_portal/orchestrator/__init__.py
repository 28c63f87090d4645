"""What the portal asks of an orchestrator; no page speaks HTTP with one itself."""
