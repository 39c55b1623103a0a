"""Chatting by lines of text, for people with telnet or nc (docs/wires/telnet.md)."""
