"""Where the cuts lie, which tier each customer is in, how sure and how steady."""
