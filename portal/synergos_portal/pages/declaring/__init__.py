"""What the pages of collaborations, projects, experiments and runs have in common: editing on condition, deleting."""
