"""Alciato."""
