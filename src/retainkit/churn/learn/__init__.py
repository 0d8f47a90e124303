"""Causes learnt from labels or from sources that agree, and how far to trust them."""
