"""What a job does: one module per stage, and the rounds of a training."""
