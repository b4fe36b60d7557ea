"""Uploads with Python's own clients, which write all before they read: the port of a server
on this machine, a client, a framing and the length are given. Shows the status.
"""

import http.client
import sys
import urllib.error
import urllib.request

PATIENCE = 60
PART = b"x" * (64 << 10)

port, client, framing, length = sys.argv[1:]
headers = {"Content-Length": length} if framing == "length" else {}


def content():
    for _ in range(int(length) // len(PART)):
        yield PART


def with_http_client():
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=PATIENCE)
    chunked = framing == "chunked"
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
    connection.request("PUT", "/", content(), headers, encode_chunked=chunked)
    return connection.getresponse().status


def with_urllib():
    # Chunked by itself, where no length is given.
    url = f"http://127.0.0.1:{port}/"
    request = urllib.request.Request(url, content(), headers, method="PUT")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return direct.open(request, timeout=PATIENCE).status
    except urllib.error.HTTPError as refused:
        return refused.code


try:
    print({"http.client": with_http_client, "urllib": with_urllib}[client]())
except OSError as wrong:
    print(repr(wrong))
