"""What the example notebooks are made of: ``simulator/make_examples.py`` writes one for each dataset and grid."""
