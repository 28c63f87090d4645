"""Where trainings are written down while they run."""
