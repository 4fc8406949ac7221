"""What endpoints mean: their life cycle, their variants, and which variant answers a request."""
