"""What AWS means: pure functions over frozen values. No clock, chance, thread, process, file, network or SDK."""
