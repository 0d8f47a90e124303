"""How customers buy, and what they could still bring."""
