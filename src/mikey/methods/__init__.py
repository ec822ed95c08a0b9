"""The key establishment methods, one module each; they do not import each other."""
