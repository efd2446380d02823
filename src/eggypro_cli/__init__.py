"""The catalogue from the shell."""
