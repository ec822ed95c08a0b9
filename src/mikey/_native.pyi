"""Types of the native module."""
