"""What keeping customers is worth, from figures the firm gives or has measured."""
