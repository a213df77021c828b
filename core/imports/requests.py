"""What the parent may ask of the child process that reads import files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.imports.options import StageOptions
from core.imports.profiles import Profile


@dataclass(frozen=True)
class StageRequest:
    """Stage ``file`` into ``staging`` by ``profile``."""

    file: Path
    staging: Path
    profile: Profile
    options: StageOptions


@dataclass(frozen=True)
class InspectRequest:
    """Look at the first rows of ``file`` and find the profile that fits."""

    file: Path
    profiles: tuple[Profile, ...]
    options: StageOptions


Request = StageRequest | InspectRequest
