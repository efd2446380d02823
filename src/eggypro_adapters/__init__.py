"""What the core's ports are plugged into: databases, files, settings."""
