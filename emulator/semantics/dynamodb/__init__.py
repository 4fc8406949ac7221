"""What DynamoDB means beyond storing items."""
