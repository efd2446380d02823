"""HTTP resources, one module per noun."""
