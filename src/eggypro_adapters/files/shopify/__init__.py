"""Read and write Shopify's product CSV."""
