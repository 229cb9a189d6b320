"""Just enough of the protocol to misbehave: MessagePack, WebSocket frames, TLS as some role. See
docs/protocol.md; this is written from it, not from the C++ code."""
import base64
import os
import socket
import ssl
import struct

HELLO, WELCOME, REFUSED, REQUEST = 0, 1, 2, 30
HEAD, WORKER, CLIENT = 1, 2, 3


def pack(x):
    """MessagePack of None, bool, int, str, bytes, list, dict; always the widest forms."""
    if x is None:
        return b"\xc0"
    if isinstance(x, bool):
        return b"\xc3" if x else b"\xc2"
    if isinstance(x, int):
        if 0 <= x < 128:
            return bytes([x])
        return struct.pack(">BQ", 0xCF, x) if x >= 0 else struct.pack(">Bq", 0xD3, x)
    if isinstance(x, str):
        data = x.encode()
        return struct.pack(">BI", 0xDB, len(data)) + data
    if isinstance(x, bytes):
        return struct.pack(">BI", 0xC6, len(x)) + x
    if isinstance(x, list):
        return struct.pack(">BI", 0xDD, len(x)) + b"".join(map(pack, x))
    if isinstance(x, dict):
        return struct.pack(">BI", 0xDF, len(x)) + b"".join(pack(k) + pack(v) for k, v in x.items())
    raise TypeError(type(x))


def hello(role, version=1, token="", incarnation=12345):
    return pack([HELLO, version, role, "hostile/1", incarnation, 0, token])


def request(number, method, parameters=None):
    return pack([REQUEST, number, method, parameters or {}])


def tls_context(certs, role):
    """As the holder of a certificate of this role; None: of none at all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if role:
        context.load_cert_chain(certs / f"{role}.pem")
    return context


def connect(port, within=10):
    sock = socket.create_connection(("127.0.0.1", port), timeout=within)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def upgrade(sock, path="/link"):
    """Asks for a WebSocket. The status line of the answer."""
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                  f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                  "Sec-WebSocket-Version: 13\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = sock.recv(1)
        if not more:
            break
        answer += more
    return answer.partition(b"\r\n")[0].decode(errors="replace")


def frame(payload, announced=None, opcode=2):
    """A masked frame; `announced` lies about its length."""
    length = len(payload) if announced is None else announced
    head = bytes([0x80 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65536:
        head += struct.pack(">BH", 0x80 | 126, length)
    else:
        head += struct.pack(">BQ", 0x80 | 127, length)
    return head + b"\0\0\0\0" + payload  # a mask of zeros leaves the payload as it is


def link(port, certs, role, first=None, within=10):
    """An upgraded TLS socket that has sent `first` (bytes of messages) as its first frame."""
    sock = tls_context(certs, role).wrap_socket(connect(port, within))
    status = upgrade(sock)
    if " 101 " not in status + " ":
        raise ConnectionError(status)
    if first:
        sock.sendall(frame(first))
    return sock


def read_until_closed(sock):
    """Everything the peer says until it closes; a reset counts as closed. Raises TimeoutError."""
    data = b""
    while True:
        try:
            more = sock.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            if isinstance(error, (TimeoutError, socket.timeout)):
                raise
            return data
        if not more:
            return data
        data += more
