"""Read and write our own CSV."""
