"""What an installation can import: targets per model, the catalogue of fields, the profiles it has."""

from __future__ import annotations

import difflib
import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ImportFileError
from core.imports.catalogue import Catalogue
from core.imports.profile_file import load_profile, load_profiles, parse_profile
from core.imports.profiles import Profile, generic_profile
from core.imports.targets import ImportTarget

if TYPE_CHECKING:
    from core.app import Suite

GENERIC = "model:"
"""Prefix of the profile id of a plain table: ``model:crm_customers.claim``."""


class ImportLibrary:
    """Targets, catalogue and profiles of a suite; built once per process.

    Args:
        suite: Gives models, plugins and the data folder, whose ``profiles`` a branch admin fills.
    """

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        special = {target.model_id: target for _, target in suite.plugins.collect("core_import_targets")}
        self.targets: dict[str, ImportTarget] = {}
        for model in suite.registry:
            target = special.get(model.id)
            if target is not None or "source_key" in model.table.c:
                self.targets[model.id] = (target or ImportTarget)(model)
        self.catalogue: Catalogue = {model_id: target.describe() for model_id, target in self.targets.items()}
        self.problems: list[ImportFileError] = []
        self.profiles = self._load()

    def _load(self) -> dict[str, tuple[Profile, dict[str, Any]]]:
        found: dict[str, tuple[Profile, dict[str, Any]]] = {}
        folders = [folder for _, folder in self.suite.plugins.collect("core_import_profiles")]
        for folder in (*folders, self.suite.settings.data.folder / "profiles"):
            profiles, problems = load_profiles(folder, self.catalogue)
            self.problems.extend(problems)
            documents = {document.get("id"): document for document in map(_document, sorted(folder.glob("*.toml")))}
            found.update({profile.id: (profile, documents[profile.id]) for profile in profiles})
        return found

    def offered(self, branch_id: int | None) -> dict[str, tuple[Profile, dict[str, Any]]]:
        """Return the profiles by id that a branch can use: those that write only to models of plugins active there.

        Args:
            branch_id: The branch; ``None`` for the installation.
        """
        return {name: found for name, found in self.profiles.items() if not self._inactive(found[0], branch_id)}

    def require_active(self, profile: Profile, branch_id: int | None) -> None:
        """Refuse a profile that writes to models of a plugin that is off in a branch.

        Raises:
            ImportFileError: It does.
        """
        inactive = self._inactive(profile, branch_id)
        if inactive:
            raise ImportFileError(
                "profile_inactive",
                "The profile {profile} writes to {plugin}, which is switched off in this branch.",
                "Ask an administrator to switch it on.",
                profile=profile.id,
                plugin=", ".join(inactive),
            )

    def _inactive(self, profile: Profile, branch_id: int | None) -> list[str]:
        owners = dict.fromkeys(record.model.id.partition(".")[0] for record in profile.records)
        return [owner for owner in owners if not self.suite.activation.is_active(owner, branch_id)]

    def find(self, name: str) -> tuple[Profile, dict[str, Any]]:
        """Return a profile and its document by id, by path of a TOML file, or by model id.

        Raises:
            ImportFileError: There is none, or the file is malformed.
        """
        if name in self.profiles:
            return self.profiles[name]
        for problem in self.problems:
            if problem.facts.get("file") in {name, f"{name}.toml"}:
                raise problem
        path = Path(name)
        if path.suffix == ".toml" and path.is_file():
            return load_profile(path, self.catalogue), _document(path)
        model_id = name.removeprefix(GENERIC)
        if model_id in self.catalogue:
            return generic_profile(self.catalogue[model_id]), {"model": model_id}
        known = [*self.profiles, *self.catalogue]
        near = difflib.get_close_matches(name, known, n=1)
        raise ImportFileError(
            "unknown_profile",
            "There is no import profile {profile}.",
            "Did you mean {near}?" if near else "Known profiles: {known}.",
            profile=name,
            near=near[0] if near else "",
            known=", ".join(sorted(self.profiles)),
        )

    def thaw(self, document: dict[str, Any]) -> Profile:
        """Return the profile of a document kept with a batch."""
        if "model" in document and "record" not in document:
            return generic_profile(self.catalogue[document["model"]])
        return parse_profile(document, str(document.get("id")), self.catalogue)


def _document(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return plain
