"""What exists in AWS: the CDK app that composes the stacks. It holds no behaviour; that lives in `lambdas`."""
