"""Read products from tables whose columns are mapped to fields."""
