"""What CloudWatch means: datapoints, metric math, alarms, composite rules, log filters. Pure functions only."""
