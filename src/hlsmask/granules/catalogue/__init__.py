"""HLS and DSWx-HLS in the STAC catalogues of NASA and the Planetary Computer: what is asked, found and kept."""
