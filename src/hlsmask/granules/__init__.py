"""What came down from the archives: granules, and scenes that can be read by window."""
