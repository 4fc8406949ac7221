"""Model Monitor: job definitions, schedules, their executions as processing jobs, alerts."""
