"""The ways to judge a post, one file each; `alciato.judge.strategy` lists them by name."""
