"""An experiment on 2.x for a canary: the moment of the day at the top of the feed.

It needs no schema of its own, so it can be thrown away at any time. When it is liked, its module moves into 2.x.
"""

from dataclasses import replace

from inssaservice import v2

RELEASE = replace(v2.RELEASE, line="v2_1", base="v2")
