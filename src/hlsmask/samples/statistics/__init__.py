"""Statistics of a dataset told to a person: what to look into, charts, a map, one HTML page."""
