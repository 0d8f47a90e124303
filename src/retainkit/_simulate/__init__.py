"""Private parts of `retainkit.simulate`: seeded customer bases with known truth."""
