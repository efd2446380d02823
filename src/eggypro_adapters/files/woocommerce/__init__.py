"""Read and write WooCommerce's product CSV."""
