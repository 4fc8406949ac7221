"""What Application Auto Scaling means: alarms of a policy, and the capacity that it asks for."""
