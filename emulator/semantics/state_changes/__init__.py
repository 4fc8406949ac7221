"""The events that SageMaker puts on the default bus when something changes: (detail type, detail), from our rows.

AWS_NAME: SageMaker … State Change
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html and EventBridge's schema
    registry, read 2026-11. Jobs and endpoints spell times as epoch milliseconds, pipelines and packages as ISO text.
"""
