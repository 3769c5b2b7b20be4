"""The dbt project of a refresh: the product's package with a project's own files in it.

A project holds staging, policy and whatever else is its own in a folder `dbt_project`. The
package stays where it is installed, and may be read-only there. Both are composed into
one dbt project of links, `dbt_project/target/<key>`, with what `sources.yaml` says: the
variables, and the landed entities as sources. An own model, seed, test or macro takes the
place of the package's with the same name. dbt can be run there by hand, see
docs/upgrading.md; why not as a package of dbt's, see docs/decisions.md.

Not here: what dbt is asked to do there (`dbt`).
"""

from __future__ import annotations

import fcntl
import filecmp
import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.sources import SourcesFile
from pipeline.transform import former, leaving_out, package
from pipeline.transform.package import PACKAGE, PROFILES_FILE, PROJECT_FILE

log = logging.getLogger("customer_tiers.transform")

# Composed projects that nobody has used for so long are removed.
KEPT_DAYS = 30

LANDED = "models/staging/_landed__sources.yml"
_LOCK = ".lock"
_VERSION = "package_version"
_MADE = (
    "# Made by customer-tiers out of sources.yaml and the product's package; what is "
    "changed\n# here is lost.\n"
)


@dataclass(frozen=True)
class Origin:
    """What a dbt project is made of.

    Attributes:
        folder: The project's own folder.
        base: The whole dbt project that is the ground: the package, or `folder` itself.
        own: What is put over it; path → file.
    """

    folder: Path
    base: Path
    own: Mapping[str, Path]


@dataclass
class Plan:
    """The files of a composed project, by their paths in it: links, or texts.

    `replaced` are what of the product another of the project's own stands for.
    """

    links: dict[str, Path]
    texts: dict[str, str]
    replaced: list[str]


def variables(sources: SourcesFile) -> dict[str, Any]:
    """What the dbt project must know when it is parsed."""
    return {
        "provides": sources.provides(),
        # The macro `latest` goes by them, as landing does.
        "entities": {
            f"{source.name}__{entity.name}": {
                "key": entity.key,
                "cursor": entity.cursor.column if entity.cursor else None,
            }
            for source in sources.sources
            for entity in source.entities.values()
        },
        "time_zone": sources.business.time_zone,
        "reporting_currency": sources.business.reporting_currency,
        "privacy": sources.privacy.model_dump(),
        "unknown_customers": sources.unknown_customers(),
    }


def compose(sources: SourcesFile, settings: Settings) -> Path:
    """The dbt project for these sources, with everything in it as it is now.

    Raises:
        ConfigurationError: Own files do not fit the package, or none can be written.
    """
    with composed(sources, settings) as folder:
        return folder


def seeds(sources: SourcesFile, settings: Settings) -> Path:
    """The folder of all seeds: the policy that is in force."""
    return compose(sources, settings) / "seeds"


def models(sources: SourcesFile, settings: Settings) -> dict[str, Path]:
    """Every model of the dbt project by its name → the file that a person edits."""
    origin = find(sources.applied_to(settings).dbt_project)
    links = make_plan(origin, sources).links
    return {
        node[1]: path
        for relative, path in links.items()
        if (node := package.node(relative)) and node[0] == "models"
    }


@contextmanager
def composed(sources: SourcesFile, settings: Settings) -> Iterator[Path]:
    """`compose`, and no other process does the same while the block runs.

    Two that parse at once would read each other's half-written cache.
    """
    settings = sources.applied_to(settings)
    origin = find(settings.dbt_project)
    plan = make_plan(origin, sources)
    generated = {
        "base": str(origin.base),
        "own": str(origin.folder),
        "demonstration": sources.demonstration is not None,
        "texts": {name: plan.texts[name] for name in (LANDED, PROJECT_FILE)},
    }
    # dbt's cached parse holds for the same variables only: a folder for each.
    key = hashlib.sha256(json.dumps(generated).encode()).hexdigest()[:12]
    with _locked(origin, settings, key) as folder:
        if _write(folder, plan):
            _log_changes(folder.parent, plan)
        yield folder


def find(folder: Path) -> Origin:
    """What the project in this folder is made of."""
    folder = folder.resolve()
    if folder != PACKAGE and former.is_copy(folder):
        copy = former.classify(folder)
        for sentence in copy.sentences():
            log.warning("%s: %s", folder, sentence)
        log.warning(
            "%s is a whole copy that an earlier version made. It works as it is; "
            "`customer-tiers upgrade %s` leaves your own files in it, and no more.",
            folder,
            folder.parent,
        )
        return Origin(folder, PACKAGE, copy.own)
    if (folder / PROJECT_FILE).exists():
        return Origin(folder, folder, {})
    if not folder.is_dir():
        raise ConfigurationError(
            f"{folder} is no folder: it should hold the staging models and the policy."
        )
    return Origin(folder, PACKAGE, package.files(folder))


def make_plan(origin: Origin, sources: SourcesFile) -> Plan:
    """Decides what stands where; reads, and writes nothing.

    Raises:
        ConfigurationError: An own file makes no sense, or is too old for the package.
    """
    base = package.files(origin.base)
    plan = Plan(dict(base), {}, [])
    if origin.base == PACKAGE and sources.demonstration is None:
        leaving_out.seeds(plan.links, origin.own)
    if origin.base != origin.folder:
        leaving_out.demonstration(plan.links, plan.texts)
        _put_over(plan, origin.own)
    declared = _declared_sources(
        path for path in plan.links.values() if path.suffix in package.PROPERTIES
    )
    landed = {(item.name, name) for item in sources.sources for name in item.entities}
    leaving_out.undeclared_tables(plan.links, declared | landed)
    plan.texts[LANDED] = _landed_sources(sources, declared)
    described = package.read_yaml(origin.base / PROJECT_FILE)
    described["vars"] = {**(described.get("vars") or {}), **variables(sources)}
    plan.texts[PROJECT_FILE] = _MADE + package.write_yaml(described)
    profiles = origin.base / PROFILES_FILE
    plan.links[PROFILES_FILE] = (
        profiles if profiles.exists() else PACKAGE / PROFILES_FILE
    )
    return plan


def _put_over(plan: Plan, own: Mapping[str, Path]) -> None:
    """Puts a project's own files over the package's."""
    nodes = {
        node: relative for relative in plan.links if (node := package.node(relative))
    }
    macros: set[str] = set()
    described: set[tuple[str, str]] = set()
    for path in own.values():
        if path.suffix in package.PROPERTIES:
            described |= _described(package.read_yaml(path))
    for relative, path in own.items():
        node = package.node(relative)
        if node is None:
            if path.suffix == ".sql":
                macros |= set(_MACRO.findall(path.read_text(encoding="utf-8")))
        elif node in nodes:
            _check_columns(path, plan.links[nodes[node]])
            if not filecmp.cmp(path, plan.links[nodes[node]], shallow=False):
                plan.replaced.append(node[1])
    _take_out_macros(plan, macros)
    _take_out_descriptions(plan, described & nodes.keys())
    for relative, path in own.items():
        node = package.node(relative)
        place = relative
        if node is not None and node in nodes:
            # Where it belongs, wherever it lies: its folder says how it is built.
            plan.links.pop(nodes[node], None)
            place = str(Path(nodes[node]).with_suffix(path.suffix))
        elif relative in plan.links and filecmp.cmp(
            path, plan.links[relative], shallow=False
        ):
            continue
        elif relative in plan.links or relative in plan.texts:
            place = str(Path(relative).with_name(f"own_{path.name}"))
        plan.links[place] = path


def _check_columns(path: Path, product: Path) -> None:
    if path.suffix != ".csv":
        return
    if missing := former.missing_columns(path, product):
        raise ConfigurationError(
            f"{path} lacks {', '.join(missing)}, which this version of the product "
            f"reads. Add what is missing (the product's own is {product}), or remove "
            "the file to take the product's."
        )


_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)")
_WHOLE_MACRO = r"\{{%-?\s*macro\s+{name}\s*\(.*?\{{%-?\s*endmacro\s*-?%\}}"


def _take_out_macros(plan: Plan, names: set[str]) -> None:
    """A macro that a project has of its own is not the package's any more."""
    for relative, path in list(plan.links.items()):
        if not relative.startswith("macros/") or path.suffix != ".sql":
            continue
        text = path.read_text(encoding="utf-8")
        replaced = names.intersection(_MACRO.findall(text))
        for name in replaced:
            text = re.sub(_WHOLE_MACRO.format(name=name), "", text, flags=re.DOTALL)
        if replaced:
            del plan.links[relative]
            plan.texts[relative] = text
            plan.replaced += replaced


def _described(properties: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {
        (kind, str(item["name"]))
        for kind in ("models", "seeds")
        for item in properties.get(kind) or []
    }


def _take_out_descriptions(plan: Plan, described: set[tuple[str, str]]) -> None:
    """What a project describes itself is described by it alone."""
    if not described:
        return
    for relative, path in list(plan.links.items()):
        if path.suffix not in package.PROPERTIES:
            continue
        properties = package.read_yaml(path)
        if not _described(properties) & described:
            continue
        for kind in ("models", "seeds"):
            if kind in properties:
                properties[kind] = [
                    item
                    for item in properties[kind]
                    if (kind, str(item["name"])) not in described
                ]
        del plan.links[relative]
        plan.texts[relative] = package.write_yaml(properties)


def _declared_sources(paths: Iterable[Path]) -> set[tuple[str, str]]:
    """The tables that YAML files declare themselves, as projects once had to."""
    return {
        (str(source["name"]), str(table["name"]))
        for path in paths
        if re.search(r"^sources:", path.read_text(encoding="utf-8"), re.M)
        for source in package.read_yaml(path).get("sources") or []
        for table in source.get("tables") or []
    }


def _landed_sources(sources: SourcesFile, declared: set[tuple[str, str]]) -> str:
    """Every entity of `sources.yaml` as a source of dbt."""
    described = []
    for source in sources.sources:
        tables = [
            _with_description(
                {"name": name, "identifier": f"{source.name}__{name}"},
                entity.description,
            )
            for name, entity in source.entities.items()
            if (source.name, name) not in declared
        ]
        if tables:
            described.append(
                _with_description(
                    {"name": source.name, "schema": "landing"}, source.description
                )
                | {"tables": tables}
            )
    return _MADE + package.write_yaml({"sources": described})


def _with_description(item: dict[str, Any], description: str) -> dict[str, Any]:
    return {**item, "description": description} if description else item


def _places(origin: Origin, settings: Settings) -> Iterator[Path]:
    """Where composed projects may lie, the better place first.

    Beside the project's own files, where every home of it finds what dbt has parsed
    already; in the home where nothing may be written there. An installed package is
    never written to.
    """
    is_checkout = (PROJECT_ROOT / "pyproject.toml").exists()
    if origin.folder != PACKAGE or is_checkout:
        yield origin.folder / "target"
    yield Home.open(settings.home).root / "dbt"


@contextmanager
def _locked(origin: Origin, settings: Settings, key: str) -> Iterator[Path]:
    """The composed project's folder, held alone until the block ends."""
    is_held = False
    while not is_held:
        folder, descriptor = _open_lock(_places(origin, settings), key)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Somebody may have removed it as unused, just before.
            with suppress(FileNotFoundError):
                os.utime(folder / _LOCK)
                held, there = os.fstat(descriptor), (folder / _LOCK).stat()
                is_held = os.path.samestat(held, there)
            if is_held:
                yield folder
        finally:
            os.close(descriptor)


def _open_lock(places: Iterable[Path], key: str) -> tuple[Path, int]:
    tried = []
    for place in places:
        tried.append(place)
        folder = place / key
        try:
            is_new = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            reason = error
            continue
        if is_new:
            _remove_unused(place)
        return folder, descriptor
    raise ConfigurationError(
        f"The dbt project can be written to none of {', '.join(map(str, tried))}: "
        f"{reason}."
    )


def _remove_unused(place: Path) -> None:
    """Removes composed projects of former sources, if nobody holds them."""
    for lock in place.glob(f"*/{_LOCK}"):
        if time.time() - lock.stat().st_mtime < KEPT_DAYS * 86_400:
            continue
        descriptor = os.open(lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(lock.parent, ignore_errors=True)
        finally:
            os.close(descriptor)


def _write(folder: Path, plan: Plan) -> bool:
    """Makes the folder hold exactly what is planned; whether anything was changed.

    What is right already is left alone, so that dbt's cached parse stays good.
    """
    changed = False
    for relative, path in package.files(folder).items():
        if relative not in plan.links and relative not in plan.texts:
            path.unlink()
            changed = True
    for link in _dangling(folder):
        link.unlink()
        changed = True
    for relative, target in plan.links.items():
        place = folder / relative
        with suppress(OSError):
            if place.readlink() == target:
                continue
        partial = _partial(place)
        partial.symlink_to(target)
        partial.replace(place)
        changed = True
    for relative, text in plan.texts.items():
        place = folder / relative
        if not place.is_symlink() and place.exists() and place.read_text() == text:
            continue
        partial = _partial(place)
        partial.write_text(text, encoding="utf-8")
        partial.replace(place)
        changed = True
    return changed


def _dangling(folder: Path) -> list[Path]:
    return [
        path
        for kind in package.NODES
        for path in (folder / kind).rglob("*")
        if path.is_symlink() and not path.exists()
    ]


def _partial(place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{place.name}.partial")
    partial.unlink(missing_ok=True)
    return partial


def _log_changes(place: Path, plan: Plan) -> None:
    """Says what of the product is replaced, and that the product is another."""
    if plan.replaced:
        log.info("own instead of the product's: %s", ", ".join(sorted(plan.replaced)))
    version = package.version()
    noted = place / _VERSION
    before = noted.read_text(encoding="utf-8") if noted.exists() else version
    if before != version:
        log.warning(
            "The product's models are those of version %s now, and were of %s. "
            "CHANGELOG.md says what changed, docs/upgrading.md what to look at.",
            version,
            before,
        )
    noted.write_text(version, encoding="utf-8")
