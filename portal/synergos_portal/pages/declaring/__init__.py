"""What the pages of collaborations, projects, experiments and runs have in common: the way there, editing on condition, deleting."""
