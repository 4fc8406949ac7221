"""Answer the waits of a release: endpoints that come up, and the experiment that decides. Nothing here polls."""
