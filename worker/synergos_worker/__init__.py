"""The worker: holds one participant's data and never lets it out."""
