"""Declares digests with Python's own client: the port of a server on this machine is given.
Shows a line for each field, section and value: the status, the content of the answer, and
whether the connection was kept.
"""

import base64
import hashlib
import http.client
import sys
import zlib

PATIENCE = 60
CONTENT = bytes(range(256)) * 300

port = int(sys.argv[1])


def crc(content, polynomial, bits):
    """Bit by bit: the polynomial is reversed."""
    ones = (1 << bits) - 1
    register = ones
    for byte in content:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (polynomial if register & 1 else 0)
    return (register ^ ones).to_bytes(bits // 8, "big")


DIGESTS = {
    "md5": hashlib.md5(CONTENT).digest(),
    "sha": hashlib.sha1(CONTENT).digest(),
    "sha-256": hashlib.sha256(CONTENT).digest(),
    "sha-512": hashlib.sha512(CONTENT).digest(),
    "crc32": zlib.crc32(CONTENT).to_bytes(4, "big"),
    "crc32c": crc(CONTENT, 0x82F63B78, 32),
    "crc64nvme": crc(CONTENT, 0x9A6C9329AC4BC9B5, 64),
}
AMAZON = ["md5", "sha1", "sha256", "sha512", "crc32", "crc32c", "crc64nvme"]


def fields():
    yield "Content-MD5", "md5", "{}"
    for name in ("Content-Digest", "Repr-Digest"):
        for key in ("md5", "sha", "sha-256", "sha-512", "crc32c"):
            yield name, key, f"{key}=:{{}}:"
    for name in AMAZON:
        algorithm = {"sha1": "sha", "sha256": "sha-256", "sha512": "sha-512"}.get(name, name)
        yield f"x-amz-checksum-{name}", algorithm, "{}"


def values(algorithm, form):
    digest = DIGESTS[algorithm]
    right = base64.b64encode(digest).decode()
    wrong = base64.b64encode(bytes([digest[0] ^ 1]) + digest[1:]).decode()
    yield "right", form.format(right)
    yield "wrong", form.format(wrong)
    yield "malformed", form.format(right[1:])
    yield "missing", None


def upload(connection, section, name, value):
    if section == "head":
        headers = {} if value is None else {name: value}
        connection.request("PUT", "/", CONTENT, headers)
    else:
        connection.putrequest("PUT", "/")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Trailer", name)
        connection.endheaders()
        for start in range(0, len(CONTENT), 5000):
            chunk = CONTENT[start:start + 5000]
            connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        trailer = "" if value is None else f"{name}: {value}\r\n"
        connection.send(f"0\r\n{trailer}\r\n".encode())
    answer = connection.getresponse()
    content = answer.read().decode()
    return answer.status, content, connection.sock is not None


for name, algorithm, form in fields():
    for section in ("head", "trailer section"):
        for kind, value in values(algorithm, form):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            status, content, is_kept = upload(connection, section, name, value)
            kept = "kept" if is_kept else "closed"
            print(f"{name} {algorithm}, {section}, {kind}: {status} {kept} {content}")
            if is_kept:
                again, digest, _ = upload(connection, "head", name, None)
                assert (again, digest) == (200, DIGESTS["md5"].hex()), "the next upload"
            connection.close()
