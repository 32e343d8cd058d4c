"""A plug-in for Alciato: one strategy."""
