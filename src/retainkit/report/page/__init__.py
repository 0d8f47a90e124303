"""The page: sections of a run, from the headline to the configuration."""
