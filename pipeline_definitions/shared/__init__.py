"""What all pipelines share: stand-in names, image registries, the offline session, access to what was built."""
