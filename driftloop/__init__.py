"""What a person types and imports. Speaks AWS APIs through boto3, so it serves an account as well as the emulator."""
