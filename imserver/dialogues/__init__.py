"""The dialogues of the wires that have them: what a client says, in requests; what happens, in bytes."""
