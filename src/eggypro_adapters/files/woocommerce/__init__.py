"""WooCommerce's CSV files."""
