"""MIKEY (RFC 3830 and its extensions): key management for real-time media."""
