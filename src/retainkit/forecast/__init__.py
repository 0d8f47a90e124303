"""Who will still be there and what will they bring, and how far that can be trusted."""
