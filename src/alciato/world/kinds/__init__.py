"""The packaged kinds of post, one file each."""
