"""What a worker publishes of its datasets: as much as its owner lets it, and never what stands in a cell."""
