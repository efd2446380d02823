"""Benchmarks: CPU time of requests, speed and memory of imports, images and search."""
