"""HLS granules and DSWx-HLS products become samples: paired, cut, chosen, told of."""
