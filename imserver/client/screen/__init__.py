"""imchat's screen: conversations on the left, the one that is open on the right, a line to write below.

model     chat.py (one conversation), amendments.py (what edits and recalls make of it), shown.py (what there is to
          read of it), chats.py (all of them), listing.py: plain values, no terminal, no network
kept      unsent.py, chosen.py, burning.py: what is in files beside the device's token until the next time
exchange  carries what happens between the client library and the model; saying.py sends, entrance.py logs in
view      app.py and its widgets (history.py, sidebar.py, entry_line.py, forms.py), thin, the only ones that know textual
"""
