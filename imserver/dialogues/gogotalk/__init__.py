"""The gogotalk wire's dialogue: whom its clients know, where their chats go, what they are told."""
