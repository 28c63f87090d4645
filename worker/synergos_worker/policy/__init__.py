"""What an orchestrator may ask of a worker: the limits of the data's owner, judged before anything is computed on rows."""
