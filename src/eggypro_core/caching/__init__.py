"""Read-through cache that every write invalidates."""
