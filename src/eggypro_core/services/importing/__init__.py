"""Import of products and stock: parsing, normalising, matching, comparing and writing."""
