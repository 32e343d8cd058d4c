"""The doubles and fixtures that judging and reports share."""

from judging_doubles import collection, encoder, policy, post, scripted, settings, use_model

__all__ = ["collection", "encoder", "policy", "post", "scripted", "settings", "use_model"]
