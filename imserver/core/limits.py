"""Every limit of the server, with its default: the [limits] table of the configuration is this class.

docs/delivery.md section 6 says what happens beyond each of them, docs/threats.md against whom they are.
`enabled = false` lifts rates and per-address counts, for load tests; sizes, memory bounds and deadlines stay.
"""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Limits:
    """Sizes in bytes, times in seconds, rates per second with a burst."""

    enabled: bool = True

    # the process
    max_connections: int = 10_000
    max_unauthenticated: int = 1_000
    max_outbound_bytes: int = 256 * 1024 * 1024
    max_waiting_operations: int = 8_192
    max_waiting_bytes: int = 8 * 1024 * 1024
    max_batch_operations: int = 4_096
    max_batch_bytes: int = 2 * 1024 * 1024
    max_batch_per_account: int = 64
    shed_unfair_seconds: float = 0.25
    shed_sends_seconds: float = 1.0
    shed_connections_seconds: float = 5.0
    max_hashes_waiting: int = 64
    max_limiter_entries: int = 100_000

    # one network address; loopback is exempt from all but failed logins
    connections_per_address: int = 64
    unauthenticated_per_address: int = 16
    connects_per_second: float = 10.0
    connects_burst: int = 30
    failed_logins_per_address: int = 20
    failed_logins_window_seconds: float = 600.0
    registrations_per_address: int = 20
    registrations_window_seconds: float = 3600.0

    # one connection
    login_seconds: float = 15.0
    tls_handshake_seconds: float = 10.0
    proxy_header_seconds: float = 5.0
    frame_seconds: float = 30.0
    ping_seconds: float = 30.0
    dead_seconds: float = 75.0
    stall_seconds: float = 30.0
    linger_seconds: float = 1.0
    max_frame_bytes_before_login: int = 8 * 1024
    max_bytes_before_login: int = 16 * 1024
    max_frame_bytes: int = 256 * 1024
    max_sends_in_flight: int = 128
    max_requests_in_flight: int = 32
    outbound_soft_bytes: int = 256 * 1024
    outbound_hard_bytes: int = 1024 * 1024
    login_tries: int = 3
    strikes: int = 3
    refusals_before_close: int = 100
    refusals_window_seconds: float = 10.0

    # one device
    window_messages: int = 128
    window_bytes: int = 512 * 1024
    resume_seconds: float = 600.0

    # one account
    messages_per_second: float = 10.0
    messages_burst: int = 50
    message_bytes_per_second: float = 64 * 1024.0
    message_bytes_burst: int = 512 * 1024
    requests_per_second: float = 20.0
    requests_burst: int = 100
    signals_per_second: float = 200.0
    signals_burst: int = 2_000
    messages_per_day: int = 100_000
    max_devices: int = 10
    max_conversations: int = 500
    new_conversations_per_hour: int = 20
    joins_per_minute: int = 10
    max_contacts: int = 1_000
    max_contact_requests: int = 200
    contact_requests_per_hour: int = 60
    contact_again_seconds: float = 86_400.0
    max_blocked: int = 1_000
    presence_seconds: float = 5.0

    # one conversation
    conversation_messages_per_second: float = 20.0
    conversation_messages_burst: int = 100
    max_members: int = 2_000
    max_lobby_members: int = 10_000
    max_join_requests: int = 100
    max_mute_seconds: int = 31_536_000
    fanout_per_turn: int = 500
    counted_receipts_members: int = 50
    edit_seconds: float = 86_400.0
    recall_seconds: float = 120.0
    attention_seconds: float = 10.0
    burn_unread_seconds: float = 604_800.0

    # single values
    max_body_bytes: int = 64 * 1024
    max_client_id_bytes: int = 64
    max_mentions: int = 50
    max_burn_seconds: int = 86_400
    max_content_type_chars: int = 128
    max_display_name_chars: int = 64
    max_signature_chars: int = 256
    max_title_chars: int = 64
    max_announcement_chars: int = 512
    max_join_text_chars: int = 256
    max_device_name_chars: int = 32
    max_contact_text_chars: int = 256
    max_remark_chars: int = 64
    max_category_chars: int = 64
    max_presence_text_chars: int = 128
    min_password_bytes: int = 6
    max_password_bytes: int = 1024
    page_items: int = 200
    page_bytes: int = 224 * 1024  # of bodies, so that the frame with everything else stays under 256 KiB
    sync_page_items: int = 200  # so that even with the longest names a page stays under 1 MiB
