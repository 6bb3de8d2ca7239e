"""Results on a map: what lies in a folder of results, drawn as tiles and served to a browser on this machine.

Needs the packages of the extra `view`; nothing here is imported until `hlsmask view` is called.
"""
