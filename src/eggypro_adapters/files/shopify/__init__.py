"""Shopify's CSV files."""
