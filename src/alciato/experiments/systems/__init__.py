"""One file for each system that has an experiment. Heavy imports belong inside its functions."""
