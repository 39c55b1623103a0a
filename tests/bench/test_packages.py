"""What cannot be installed is said in a sentence."""

from twisted.trial.unittest import SynchronousTestCase

from bench import packages


class InstallTests(SynchronousTestCase):
    def test_nothing_missing(self) -> None:
        """What is there is left alone."""
        self.patch(packages, "_is_installed", lambda package: True)
        self.patch(packages, "_run", self.fail)
        packages.install(["ejabberd", "prosody"])

    def test_without_apt(self) -> None:
        """On another system one reads what to install."""
        self.patch(packages.shutil, "which", lambda program: None)
        error = self.assertRaises(packages.CannotInstall, packages.install, ["ejabberd", "prosody"])
        self.assertIn("install ejabberd prosody", str(error))

    def test_failing(self) -> None:
        """Where apt-get fails one reads the command to try."""
        self.patch(packages, "_is_installed", lambda package: False)
        self.patch(packages.shutil, "which", lambda program: f"/usr/bin/{program}")
        self.patch(packages, "_run", lambda command: False)
        error = self.assertRaises(packages.CannotInstall, packages.install, ["prosody"])
        self.assertIn("/usr/bin/apt-get install --yes", str(error))
