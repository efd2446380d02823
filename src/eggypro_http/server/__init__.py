"""The Granian server and its worker processes."""
