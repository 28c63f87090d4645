"""What is to be computed on a participant's rows, in words and by a digest, and what of it the owner has approved."""
