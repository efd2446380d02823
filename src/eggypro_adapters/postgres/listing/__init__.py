"""Lists, search, suggestions and facets of products in Postgres."""
