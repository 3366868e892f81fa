"""InssaService, a members-only feed.

The modules beside this file are the core that all releases share. What one release line adds sits in a
sub-package (`v1`, `v2`); an image holds the lines it needs and no newer one.
"""
