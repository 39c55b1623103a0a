"""imserver: an instant-messaging daemon with one core and many wire protocols."""
