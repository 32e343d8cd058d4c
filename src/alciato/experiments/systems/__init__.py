"""One file for each system that has an experiment: its declaration. Heavy imports belong inside its functions."""
