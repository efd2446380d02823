"""Read products from JSON: an object per line, or a document."""
