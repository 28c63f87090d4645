"""Grids of real programs."""
