"""What lies above the conversations for a while: forms to log in or register and to change a password, and pages to read."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from imserver.client.screen.entrance import Credentials, NewPassword
from imserver.client.screen.wording import settled

HIGH_ROWS = 18  # enough for an empty line between the fields


class LoginForm(ModalScreen[Credentials | None]):
    """Asks for a name and a password; None: leave.  `said` is why it is shown again."""

    AUTO_FOCUS = ".begin"
    BINDINGS = [("escape,ctrl+c", "leave", "Quit")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (HIGH_ROWS, "-high")]

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
        """Enter goes to the next field, and after the last one on."""
        if event.input.id == "name":
            self.query_one("#password").focus()
        else:
            self._submit(registers=bool(self.query_one("#again", Input).value))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """One of the three."""
        if event.button.id == "leave":
            self.action_leave()
        else:
            self._submit(registers=event.button.id == "register")

    def action_leave(self) -> None:
        """Escape."""
        self.dismiss(None)

    def _submit(self, registers: bool) -> None:
        name, password, again = (self.query_one(f"#{each}", Input) for each in ("name", "password", "again"))
        if not name.value.strip():
            self._say("Type a name.", name)
        elif registers and not password.value:
            self._say("Type a password, twice.", password)
        elif registers and password.value != again.value:
            self._say("The passwords are not the same.", again)
        else:
            invitation = self.query_one("#invitation", Input).value.strip()
            self.dismiss(Credentials(name.value.strip().lower(), password.value, registers, invitation))

    def _say(self, text: str, field: Input) -> None:
        self.query_one("#said", Static).update(Text(text, "bold"))
        field.focus()


class PasswordForm(ModalScreen[NewPassword | None]):
    """Asks for the password and twice for another one; None: it stays as it is."""

    AUTO_FOCUS = "#old"
    BINDINGS = [("escape,ctrl+c", "leave", "Cancel")]
    VERTICAL_BREAKPOINTS = LoginForm.VERTICAL_BREAKPOINTS

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
        """Enter goes to the first field that is empty; from the last one on."""
        old, new, again = (self.query_one(f"#{each}", Input) for each in ("old", "new", "again"))
        for field in (old, new, again):
            if not field.value:
                field.focus()
                return
        if new.value == again.value:
            self.dismiss(NewPassword(old.value, new.value))
        else:
            self.query_one("#said", Static).update(Text("The new passwords are not the same.", "bold"))
            again.focus()

    def action_leave(self) -> None:
        """Escape."""
        self.dismiss(None)


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
