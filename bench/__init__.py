"""What the project costs: processor time of requests, speed and memory of imports."""
