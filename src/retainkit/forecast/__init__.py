"""Who will still be there over a horizon, and what they will bring."""
