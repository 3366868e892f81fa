# ruff: noqa
from delivery.load.generator import *
from delivery.load.generator import _serve
