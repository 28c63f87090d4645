"""Model families: what kinds of model can be trained, each in a folder of its own."""
