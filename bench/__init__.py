"""What a message costs the server, and what a connection costs it: `make bench`."""
