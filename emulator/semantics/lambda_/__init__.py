"""What Lambda means: names and versions, limits, retries, records, log lines, URLs, and what event sources deliver."""
