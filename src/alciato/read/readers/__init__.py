"""The readers, one file each: words in pictures, speech, hashes, shots, nudity, memes, tables, captions, language."""
