"""What S3 means beyond storing objects: the events it puts on EventBridge."""
