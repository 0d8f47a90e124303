"""retainkit: turn raw customer records into governed decisions."""

__version__ = "0.1.0"
