#!/usr/bin/env python3
"""A web server for the tests of from_url: serves what is asked for, and misbehaves on request.

Prints its port and serves until its input ends.
"""

import gzip
import http.server
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/lines":
            self.answer(200, b"one\r\ntwo\n\nfour")
        elif path == "/agent":
            self.answer(200, f"{self.headers['Host']} {self.path}\n".encode())
        elif path == "/large":
            self.answer(200, b"".join(b"line %d\n" % k for k in range(100_000)))
        elif path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"o", b"ne\ntw", b"o\n", b""):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        elif path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"one\n")
            self.close_connection = True
        elif path == "/moved":
            self.answer(302, gzip.compress(b"there"), location="/lines", encoding="gzip")
        elif path == "/a/moved":
            self.answer(301, b"", location="there")
        elif path == "/a/moved_by_query" and "?" not in self.path:
            self.answer(303, b"", location="?to=http://elsewhere/")
        elif path == "/a/moved_by_query":
            self.answer(307, b"", location="/a/there?from=http://here/")
        elif path == "/mail":
            self.answer(302, b"", location="mailto:someone")
        elif path == "/nonsense":
            self.answer(302, b"", location="http://host:port/")
        elif path == "/a/there":
            self.answer(200, b"there\n")
        elif path == "/circle":
            self.answer(302, b"", location="/circle")
        elif path == "/encoded":
            self.answer(200, gzip.compress(b"one\n"), encoding="gzip")
        elif path == "/identity":
            self.answer(200, b"one\n", encoding="identity")
        elif path == "/empty":
            self.answer(200, b"")
        else:
            self.answer(404, b"nothing here\n")

    def answer(self, status, body, location=None, encoding=None):
        self.send_response(status)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
