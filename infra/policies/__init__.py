"""What holds across all stacks: permissions, tags, removal."""
