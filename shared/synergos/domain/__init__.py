"""The words of the project: ids, records, jobs, grids, tags, feature spaces. No input or output in here."""
