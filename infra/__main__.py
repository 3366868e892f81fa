"""Load the settings, compose the stack, export what people need."""

import gc

# The program ends after two seconds; searching its memory for garbage, and once more at its end, took a tenth of them.
gc.disable()

import pulumi

from infra.deployed import Deployed
from infra.guard import refuse
from infra.settings import Settings
from infra.stack import Stack

settings = Settings.load()
deployed = Deployed.read()
refuse(settings, deployed)
for output, value in Stack(settings, deployed).outputs().items():
    pulumi.export(output, value)

gc.freeze()
