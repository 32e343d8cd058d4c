"""Policies: what a community does not want, written down by people in YAML; docs/policies.md describes the format."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
