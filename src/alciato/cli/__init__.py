"""The command line: a verb a command, over one collection."""
