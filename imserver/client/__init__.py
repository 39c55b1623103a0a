"""The client library of the native wire, and imchat, the client for a terminal."""
