"""Other ways to divide customers: dimensions crossed, needs, clusters, part-worths."""
