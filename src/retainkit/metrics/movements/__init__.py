"""What came, grew, shrank and left, per customer and period."""
