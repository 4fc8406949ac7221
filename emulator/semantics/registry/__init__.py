"""What the model registry means by an update of a model package."""
