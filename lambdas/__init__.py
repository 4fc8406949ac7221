"""What happens on an event: the functions of the loop. No CDK here, and nothing of the emulator."""
