"""SageMaker Model Monitor: when its jobs run, over what, how, and what their end means. Pure functions."""
