"""How many leave by when, and why: cumulative incidence by cause."""
