"""Exit codes of commands."""

REJECTED_EXIT_CODE = 1
"""The request was refused, or a check found differences."""
USAGE_EXIT_CODE = 2
"""The command line or the settings are invalid."""
UNAVAILABLE_EXIT_CODE = 3
"""A service is unavailable."""
INTERRUPTED_EXIT_CODE = 130
"""Interrupted by Ctrl-C: 128 + SIGINT."""
