"""What the owner of a dataset folder allows, in a file beside it: who may use it, for which project and purpose, and how often a day."""
