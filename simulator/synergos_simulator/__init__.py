"""Local grids as plain processes, example data, and the `synergos` command."""
