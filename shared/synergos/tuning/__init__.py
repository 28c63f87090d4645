"""Hyperparameter tuning: studies whose trials are ordinary runs, steered by their results with Optuna."""
