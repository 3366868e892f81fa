# ruff: noqa
from delivery.load.summary import *
