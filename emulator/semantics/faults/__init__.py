"""What of AWS can be made to go wrong on purpose."""
