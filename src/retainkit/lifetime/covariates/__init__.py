"""Models whose parameters depend on what is known of customers."""
