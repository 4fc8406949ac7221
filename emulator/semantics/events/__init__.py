"""What EventBridge means: patterns, targets' inputs, delivery."""
