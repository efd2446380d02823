"""Read and write product feeds of Google Merchant Center and Meta (Facebook)."""
