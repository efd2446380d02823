"""Resources of the API: handlers and routes, one module per noun."""
