"""What lies above the conversations for a while: forms to log in or register and to change a password, and pages to read."""

from collections.abc import Sequence
from typing import TypeVar

from rich.text import Text
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from imserver.client.screen.entrance import Credentials, NewPassword
from imserver.client.screen.wording import settled

Answer = TypeVar("Answer")
HIGH_ROWS = 18  # enough for an empty line between the fields


class Form(ModalScreen[Answer | None]):
    """Fields to fill in; None: nobody did.  Enter in those of `passing` goes to the next field.

    The keys that move between fields are obeyed before others that come at once with them: otherwise a password that
    is typed quickly, or over a slow line, would be shown in the field before.
    """

    BINDINGS = [
        Binding("escape,ctrl+c", "leave", "Quit"),
        Binding("enter", "pass_on", show=False, priority=True),
        Binding("tab", "app.focus_next", show=False, priority=True),
        Binding("shift+tab", "app.focus_previous", show=False, priority=True),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (HIGH_ROWS, "-high")]
    passing: Sequence[str] = ()

    def action_pass_on(self) -> None:
        """Enter."""
        if self.focused is None or self.focused.id not in self.passing:
            raise SkipAction
        self.focus_next()

    def action_leave(self) -> None:
        """Escape."""
        self.dismiss(None)

    def complain(self, text: str, field: Input) -> None:
        """Say what is wrong, and with which field."""
        self.query_one("#said", Static).update(Text(text, "bold"))
        field.focus()


class LoginForm(Form[Credentials]):
    """Asks for a name and a password.  `said` is why it is shown again."""

    AUTO_FOCUS = ".begin"
    passing = ("name",)

    def __init__(self, server: str, name: str, known: Sequence[str], said: str) -> None:
        super().__init__()
        self._server = server
        self._name = name
        self._known = known
        self._said = said

    def compose(self) -> ComposeResult:
        """Called by textual."""
        with VerticalScroll(id="form"):
            yield Static(Text(f"imserver at {settled(self._server)}", "bold"))
            if self._known:
                yield Static(
                    Text(f"Logged in here, no password needed: {settled(', '.join(self._known))}", "dim")
                )
            name = Input(self._name, placeholder="name", compact=True, id="name")
            password = Input(placeholder="password", password=True, compact=True, id="password")
            (password if self._name else name).add_class("begin")
            yield name
            yield password
            yield Input(placeholder="password again, to register", password=True, compact=True, id="again")
            yield Input(placeholder="invitation, if one is needed", compact=True, id="invitation")
            yield Static(Text(settled(self._said), "bold"), id="said")
            with Horizontal():
                yield Button("Log in", compact=True, id="login")
                yield Button("Register", compact=True, id="register")
                yield Button("Quit", compact=True, id="leave")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in any other field."""
        self._submit(registers=bool(self.query_one("#again", Input).value))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """One of the three."""
        if event.button.id == "leave":
            self.action_leave()
        else:
            self._submit(registers=event.button.id == "register")

    def _submit(self, registers: bool) -> None:
        name, password, again = (self.query_one(f"#{each}", Input) for each in ("name", "password", "again"))
        account = name.value.strip().lower()
        if not account:
            self.complain("Type a name.", name)
        elif registers and not password.value:
            self.complain("Type a password, twice.", password)
        elif registers and password.value != again.value:
            self.complain("The passwords are not the same.", again)
        elif not password.value and account not in self._known:
            self.complain("Type the password.", password)
        else:
            invitation = self.query_one("#invitation", Input).value.strip()
            self.dismiss(Credentials(account, password.value, registers, invitation))


class PasswordForm(Form[NewPassword]):
    """Asks for the password and twice for another one."""

    AUTO_FOCUS = "#old"
    passing = ("old", "new")

    def compose(self) -> ComposeResult:
        """Called by textual."""
        with VerticalScroll(id="form") as form:
            form.border_subtitle = "Enter changes it, Esc does not"
            yield Static(Text("Change the password", "bold"))
            yield Input(placeholder="password", password=True, compact=True, id="old")
            yield Input(placeholder="new password", password=True, compact=True, id="new")
            yield Input(placeholder="new password again", password=True, compact=True, id="again")
            yield Static(id="said")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the last field."""
        old, new, again = (self.query_one(f"#{each}", Input) for each in ("old", "new", "again"))
        if not old.value:
            self.complain("Type the password that you have.", old)
        elif not new.value or new.value != again.value:
            self.complain("The new passwords are not the same.", again)
        else:
            self.dismiss(NewPassword(old.value, new.value))


class Sheet(ModalScreen[None]):
    """Lines to read, scrolled with the arrow keys."""

    BINDINGS = [("escape,q,enter,f1,ctrl+c", "dismiss", "Close")]

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        """Called by textual."""
        with VerticalScroll(id="sheet") as sheet:
            sheet.border_subtitle = "Esc closes"
            yield Static(Text(settled(self._title), "bold"))
            yield Static(Text("\n".join(settled(line) for line in self._lines)))
