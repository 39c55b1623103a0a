"""What the doctor looks at in a configuration that can be read."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from twisted.plugin import getPlugins

import imserver.wires
from imserver.admin import certificate
from imserver.admin.finding import Finding, fine, warning, wrong
from imserver.config import CertificateFiles, Config, Listener
from imserver.interfaces import IWire
from imserver.net.endpoints import describes_local
from imserver.net.tls import CertificateError, make_context

SOON = timedelta(days=30)


def examine(config: Config, folder: Path) -> Iterator[Finding]:
    """Certificates, listeners, and what opens a door; the daemon runs as the owner of `folder`."""
    for name, files in config.tls.items():
        yield _certificate(name, files, folder)
    wires = {wire.name for wire in getPlugins(IWire, imserver.wires)}
    for listener in config.listeners:
        yield _listener(listener, wires)
    if config.registration.open is True and not all(map(_is_local, config.listeners)):
        yield warning(
            "whoever can connect may register (registration.open); invitations let in whom you choose"
        )
    if not config.limits.enabled:
        yield warning("rates are lifted (limits.enabled = false), which is for load tests only")


def _certificate(name: str, files: CertificateFiles, folder: Path) -> Finding:
    """Both files can be used, belong together, and will for a while."""
    cert, key = Path(files.cert), Path(files.key)
    try:
        make_context(cert, key)
        ends = certificate.expires(cert)
    except (CertificateError, ValueError, OSError) as error:
        return wrong(f"certificate {name}: {error}")
    if folder.exists() and key.stat().st_uid != folder.stat().st_uid:
        return wrong(
            f"certificate {name}: {key} belongs to another user than {folder}, who runs the daemon: chown it"
        )
    left = ends - certificate.now()
    if left < timedelta():
        return wrong(
            f"certificate {name}: {cert} expired on {ends:%Y-%m-%d}: renew it, and reload the daemon"
        )
    if left < SOON:
        return warning(
            f"certificate {name}: {cert} expires on {ends:%Y-%m-%d}: renew it, and reload the daemon"
        )
    return fine(f"certificate {name} is valid until {ends:%Y-%m-%d}, and its key fits")


def _listener(listener: Listener, wires: set[str]) -> Finding:
    what = f"listener {listener.wire} on {listener.endpoint or 'its default endpoint'}"
    if listener.wire not in wires:
        return wrong(f"{what}: there is no such wire; there are: {', '.join(sorted(wires))}")
    if listener.tls or _is_local(listener):
        return fine(f"{what} is {'encrypted' if listener.tls else 'for this machine only'}")
    if listener.allow_plain:
        return warning(f"{what} is not encrypted (allow_plain): passwords can be read on the way")
    if listener.endpoint.startswith("systemd:"):
        return warning(
            f"{what} is not encrypted: systemd must bind it for this machine only, or name a certificate"
        )
    return wrong(
        f"{what} is for other machines and not encrypted: name a certificate (tls), or bind it to 127.0.0.1"
    )


def _is_local(listener: Listener) -> bool:
    return not listener.endpoint or describes_local(listener.endpoint)
