"""The trusted third party: orchestrates one grid and never sees a participant's data."""
