"""Processing and training jobs: real programs in an /opt/ml of their own, with S3 before and after."""
