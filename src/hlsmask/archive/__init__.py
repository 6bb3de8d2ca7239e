"""Many granules: what is asked for, what is done already, and the rest on the cores of a machine or a cluster."""
