"""docs/wires/telnet.md"""

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imserver.dialogues.telnet.commands import TABLE
from imserver.net.telnet import MAX_LINE_BYTES, MAX_SUBNEGOTIATION_BYTES

PAGE = (Path(__file__).parents[3] / "docs" / "wires" / "telnet.md").read_text("utf-8")


class PageTests(SynchronousTestCase):
    def test_commands(self) -> None:
        """The table of the page is that of the help."""
        section = PAGE.split("## Commands")[1].split("\n## ")[0]
        rows = re.findall(r"^\| `(.+)` \| (.+) \|$", section, re.MULTILINE)
        expected = [(each.whole.replace("|", r"\|"), each.help) for each in TABLE.values()]
        self.assertEqual(rows, expected)

    def test_limits(self) -> None:
        """Its numbers are those that hold."""
        self.assertIn(f"at most {MAX_LINE_BYTES:,} bytes", PAGE)
        self.assertIn(f"more than {MAX_SUBNEGOTIATION_BYTES:,} bytes", PAGE)
