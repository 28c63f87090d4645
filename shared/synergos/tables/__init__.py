"""Tables: files of rows and what their cells mean, the same for a worker, for a check of a folder and for a model used without a grid."""
