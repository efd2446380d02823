"""A read-through cache that every write invalidates."""
