"""Hashing a module parses it; most tests here hash every loaded module several times, so equal text is parsed once."""

from functools import cache

from alciato.experiments import identity

identity.normalised_hash = cache(identity.normalised_hash)
