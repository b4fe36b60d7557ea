"""Plays uploads that are refused early, with Python's http.client.

Each line of standard input is one: port, bytes to send, bytes to send when the answer is there
and not yet read (of a reset, only the call after the one that met it would tell), target and
fields, with tabs between. For each, a line on standard output tells the status, or what went
wrong.
"""

import http.client
import select
import sys

PATIENCE = 60


def send(connection, length):
    part = b"x" * (16 << 10)
    for _ in range(length // len(part)):
        connection.send(part)


def upload(port, before, behind, target, fields):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest("PUT", target, skip_accept_encoding=True)
    for field in fields:
        name, value = field.split(": ")
        connection.putheader(name, value)
    connection.endheaders()
    # The connection lets go of its socket once the answer was read.
    socket = connection.sock.dup()
    send(connection, before)
    if not select.select([socket], [], [], PATIENCE)[0]:
        return "no answer"
    send(connection, behind)
    response = connection.getresponse()
    response.read()
    if socket.recv(1):
        return "more than an answer"
    socket.close()
    connection.close()
    return response.status


for line in sys.stdin:
    port, before, behind, target, *fields = line.rstrip("\n").split("\t")
    try:
        print(upload(int(port), int(before), int(behind), target, fields), flush=True)
    except (OSError, http.client.HTTPException) as wrong:
        print(repr(wrong), flush=True)
