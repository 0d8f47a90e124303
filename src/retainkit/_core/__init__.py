"""Shared helpers below every room; private, no promises."""
