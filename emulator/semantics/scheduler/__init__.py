"""What EventBridge Scheduler means beyond when it fires: what it says to its targets."""
