"""Load the settings, compose the stack, export what people need."""

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
