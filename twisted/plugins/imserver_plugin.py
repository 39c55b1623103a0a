"""Makes `twistd imserver` known."""

from twisted.application.service import ServiceMaker

imserver = ServiceMaker("imserver", "imserver.tap", "An instant-messaging daemon.", "imserver")
