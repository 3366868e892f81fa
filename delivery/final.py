"""From candidate to final version, and the way of a candidate through the night."""

from __future__ import annotations

from delivery import candidates, state
from delivery.build import Builder
from delivery.console import Console
from delivery.release import How, deploy
from delivery.reports import BuiltImage, ChangeReport
from infra.version import Version


def nightly(builder: Builder, how: How, console: Console) -> tuple[BuiltImage, ChangeReport]:
    """Build the next candidate, deploy it to every audience of a stack and test each address.

    A candidate that fails there is rolled back, and keeps its number.
    """
    image = builder.candidate()
    return image, deploy(Version.parse(image.version), None, how, console)


def finalize(builder: Builder, stage: str, commit_to: str | None, console: Console) -> BuiltImage:
    """The final tag for the newest candidate that stage has run and that was built from these sources.

    Sources that no such candidate was built from go the way of the night first.
    Raises RefusedError if the final version is another image already.
    """
    found = builder.candidate_of_tree(state.ran(stage))
    if found is None:
        console.say(f"no candidate of {candidates.project_version()} that {stage} ran has these sources: building one")
        image, _ = nightly(builder, How(stack=stage, yes=True, skip_preview=True, commit_to=commit_to), console)
        found = Version.parse(image.version)
    return builder.promote(found)
