"""setup.cfg tells the truth about the package."""

import re
import sys
from configparser import ConfigParser
from importlib.metadata import packages_distributions

from twisted.trial.unittest import SynchronousTestCase

from tests.architecture import ROOT, imports, sources

# twisted[tls] promises these itself.
FROM_TWISTED = {"zope-interface", "pyopenssl", "cryptography", "twisted"}


def _setup() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def _listed(section: str, option: str) -> list[str]:
    lines = _setup()[section][option].splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _required() -> set[str]:
    lines = _listed("options", "install_requires") + _listed("options.extras_require", "screen")
    return {re.split(r"[\[ ><=,]", line)[0].lower() for line in lines}


def _imported() -> list[set[str]]:
    """For each foreign package that is imported, the distributions it may come from (zope is many)."""
    tops = {name.split(".")[0] for source in sources() for _, name in imports(source.tree)}
    known = packages_distributions()
    foreign = tops - set(sys.stdlib_module_names) - {"imserver"}
    return [{re.sub("[._]", "-", name.lower()) for name in known[top]} for top in foreign]


class SetupTest(SynchronousTestCase):
    def test_packages(self) -> None:
        """Every folder with code is a package that is written out, and twistd's plug-in folder is one."""
        folders = {path.parent for path in (ROOT / "imserver").rglob("*.py")}
        found = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
        self.assertEqual(set(_listed("options", "packages")), found | {"twisted.plugins"})

    def test_plugin_folders_are_shared(self) -> None:
        """twisted/ and twisted/plugins/ belong to Twisted: an __init__.py of ours would hide it."""
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])

    def test_data(self) -> None:
        """Whatever is not Python and lies in the package is shipped in it."""
        data = _setup()["options.package_data"]
        shipped = {
            path
            for package, patterns in data.items()
            for pattern in patterns.split(",")
            for path in ROOT.joinpath(*package.split(".")).glob(pattern.strip())
        }
        present = {
            path
            for path in (ROOT / "imserver").rglob("*")
            if path.is_file() and path.suffix not in (".py", ".pyc") and path.name != "dropin.cache"
        }
        self.assertEqual(present, shipped)

    def test_requirements(self) -> None:
        """What is imported is required, and what is required is imported."""
        imported, required = _imported(), _required()
        self.assertEqual([names for names in imported if not names & (required | FROM_TWISTED)], [])
        self.assertEqual(required.difference(*imported) - {"twisted"}, set())
