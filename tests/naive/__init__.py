"""A second, slow and plain MIKEY: decoder, encoder and cryptography for the tests alone.

Written from the requirements in docs/conformance, never from the package's own code, so that
a mistake in one is not repeated in the other. It knows the base methods and no policy.
"""
