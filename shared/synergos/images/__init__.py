"""Images: files of pictures and what their pixels mean, the same for a worker and for a model used without a grid."""
