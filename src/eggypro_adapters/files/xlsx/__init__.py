"""Read tables from Excel workbooks (.xlsx)."""
