"""What has happened: files, batches, leases, releases, and who decided what. One table, conditional writes only.

`table` knows DynamoDB and nothing of us; the other modules know our rows, one kind each.
"""
