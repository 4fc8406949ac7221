"""What watches a model: the analyzer. Its pipeline and schedules are yet to come."""
