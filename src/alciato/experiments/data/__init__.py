"""Data that experiments share."""
