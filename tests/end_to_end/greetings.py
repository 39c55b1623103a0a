"""What programs that speak something else say first: recorded where they are short, made where they have a form."""

from collections.abc import Iterator
from random import Random
from struct import pack

SEED = 7
RANDOM_SIZES = (1, 2, 3, 4, 5, 7, 8, 16, 31, 64, 100, 256, 1000, 1500, 4096, 9000)

# The beginning of a TLS record that holds a ClientHello of 512 bytes.
CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(100)

_PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"

_TEXT = (
    # HTTP, and what is spoken over its ports
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
    b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 9000),
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    b"HEAD / HTTP/1.1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n\r\n",
    b"CONNECT mail.example.org:25 HTTP/1.1\r\n\r\n",
    b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
    b"\x16\x03\x01GET / HTTP/1.1\r\n\r\n",
    # mail, news, files, shells
    b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n",
    b"SSH-1.99-x\n",
    b"EHLO mail.example.org\r\n",
    b"HELO x\r\nMAIL FROM:<a@b>\r\n",
    b"STARTTLS\r\n",
    b"a001 CAPABILITY\r\n",
    b"CAPA\r\n",
    b"USER anonymous\r\nPASS guest\r\n",
    b"MODE READER\r\n",
    b"QUIT\r\n",
    b"help\r\n",
    b"\r\n",
    b"\n\n\n\n",
    b"\x03",
    b"root\r\nadmin\r\n",
    b"USER=-f root\r\n",
    # other chats, games, lines
    b"NICK bob\r\nUSER bob 0 * :Bob\r\n",
    b"CAP LS 302\r\n",
    b"<?xml version='1.0'?><stream:stream to='localhost' xmlns='jabber:client' version='1.0'>",
    b"<policy-file-request/>\0",
    b'CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n',
    b"login bob secret\n",
    b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n\r\n",
    b"DESCRIBE rtsp://x/ RTSP/1.0\r\n\r\n",
    b"\xff\xff\xff\xffgetstatus\n",
    # stores and caches
    b"*1\r\n$4\r\nPING\r\n",
    b"PING\r\n",
    b"stats\r\n",
    b"version\r\n",
    b"set a 0 0 1048576\r\n",
    b"GIOP\x01\x00\x01\x00\x24\x00\x00\x00",
    b"JRMI\x00\x02K",
    b"JDWP-Handshake",
    # JSON
    b"{}",
    b"[]",
    b'{"type":"login","user":"bob"}\n',
    b'{"jsonrpc":"2.0","method":"getwork","id":1}\n',
    b"[" * 10_000,
    b'{"a":' * 2_000,
    b"NaN",
)

_BINARY = tuple(
    map(
        bytes.fromhex,
        (
            "00",
            "00000000",
            "0000000000000000",
            "ffffffff",
            "7fffffff",
            "80000000",
            "00000001",
            "0000000100",
            "00000002ffff",
            "000000040800" + "1a00",
            "0000000a" + "08ffffffffffffffffff",
            "0000000b" + "08ffffffffffffffffff01",
            "00000006" + "0a0400000000",
            "00000005" + "12ffffffff0f"[:10],
            "0000000408011b1c",
            "000000020b0b",
            # MQTT 3.1.1 and 5, AMQP 0-9-1 and 1.0, Kafka's ApiVersions, Stomp
            "101000044d5154540402003c0004626f6231",
            "101100044d5154540502003c000004626f6231",
            "414d515000000901",
            "414d515003010000",
            "00000014001200000000000100066b61666b61" + "636c",
            "434f4e4e4543540a0a00",
            # SMB 1 and 2, RDP, VNC, X11, TPKT, LDAP bind, SNMP, NTP, DNS over TCP
            "00000054ff534d4272000000001801c8",
            "00000040fe534d4240000100",
            "030000130ee000000000000100080003000000",
            "524642203030332e3030380a",
            "6c000b00000000000000000000",
            "300c020101600702010304008000",
            "302902010004067075626c6963a01c",
            "e30004fa000100000001000000000000",
            "001e0006010000010000000000000776657273696f6e0462696e640000100003",
            # PostgreSQL's SSLRequest and start, MySQL's answer, MongoDB's isMaster, Oracle's connect, Cassandra
            "0000000804d2162f",
            "0000002700030000757365720061" + "00",
            "0000000804d21630",
            "20000001850aa20000000001",
            "3a0000000100000000000000d4070000",
            "003a0000010000000136012c",
            "0400000005000000" + "00",
            # SOCKS 4 and 5, BitTorrent, OpenVPN, a 2002 SSL 2 hello, TLS alerts and odd records, DTLS
            "040100500a00000100",
            "050100",
            "0502000205",
            "13426974546f7272656e742070726f746f636f6c",
            "000e38abcdef0123456789000000",
            "802e0100020015000000100100800200800300800400800500800600400700c0",
            "15030100020228",
            "160301ffff",
            "1603030000",
            "1403030001" + "01",
            "17030300050000000000",
            "16feff0000000000000000",
            # JSON with a mark of byte order, UTF-16, gzip, zip, ELF, PNG
            "efbbbf7b7d",
            "fffe7b007d00",
            "1f8b0800000000000003",
            "504b0304",
            "7f454c4602010100",
            "89504e470d0a1a0a",
        ),
    )
)


def greetings() -> list[bytes]:
    """All of them, the same in every run."""
    return [*_TEXT, *_BINARY, CLIENT_HELLO, *_proxies(), *_telnet(), *_zinx(), *_noise(Random(SEED))]


def _proxies() -> Iterator[bytes]:
    """PROXY headers, good and bad."""
    for line in (
        "UNKNOWN",
        "TCP4 192.0.2.1 192.0.2.2 1 2",
        "TCP6 2001:db8::1 2001:db8::2 1 2",
        "TCP4 2001:db8::1 2001:db8::2 1 2",
        "TCP4 256.0.0.1 192.0.2.2 1 2",
        "TCP4 192.0.2.1 192.0.2.2 1 65536",
        "TCP4 192.0.2.1 192.0.2.2 1",
        "TCP4  192.0.2.1 192.0.2.2 1 2",
        "UDP4 192.0.2.1 192.0.2.2 1 2",
        "TCP4 " + "1" * 200,
        "\xff",
    ):
        yield f"PROXY {line}\r\n".encode("latin-1")
    yield b"PROXY "
    for command in (0x20, 0x21, 0x22, 0x11, 0xFF):
        for family in (0x00, 0x11, 0x21, 0x31, 0xFF):
            yield _PROXY_V2 + pack("!BBH", command, family, 12) + bytes([192, 0, 2, 1] * 2 + [0, 1, 0, 2])
    yield _PROXY_V2 + pack("!BBH", 0x21, 0x11, 0)
    yield _PROXY_V2 + pack("!BBH", 0x21, 0x11, 65_535)
    yield _PROXY_V2[:7]


def _telnet() -> Iterator[bytes]:
    """IAC with each command, some options, and a sub-negotiation without end."""
    for command in (*range(236, 256), 0, 127):
        yield bytes([255, command])
    for command in (251, 252, 253, 254):
        for option in (0, 1, 3, 24, 31, 34, 39, 255):
            yield bytes([255, command, option])
    yield b"\xff\xfa\x27\x00\x00USER\x01-f root\xff\xf0"
    yield b"\xff\xfa\x18" + b"\xff" * 10_000


def _zinx() -> Iterator[bytes]:
    """Frames of zinx: a little-endian length and id, and the other order; GoGoTalk's client speaks so."""
    for length in (0, 1, 20, 4096, 2**31, 2**32 - 1):
        for number in (0, 1, 3):
            yield pack("<II", length, number) + b"{}" * 10
            yield pack("<II", number, length) + b"{}" * 10


def _noise(random: Random) -> Iterator[bytes]:
    for size in RANDOM_SIZES:
        yield random.randbytes(size)
        # In a frame of the right length, so that it is the codec that has to deal with it.
        yield pack("!I", size) + random.randbytes(size)
