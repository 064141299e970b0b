"""The processes of Millrace that a worker asks: one for each address of a name, each over a connection that is kept."""

import json
import socket
import time
import urllib.parse
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

if TYPE_CHECKING:
    import http.client

# What a reply may take beyond what was waited for.
PATIENCE_SECONDS = 15.0
# How long the addresses of a name are believed.
ADDRESSES_SECONDS = 15.0


class Away(Exception):
    """Nobody answers there, or not whole."""


class Reply(NamedTuple):
    status: int
    body: bytes
    retry_after: float
    """Seconds."""

    def json(self) -> Dict[str, Any]:
        return json.loads(self.body)

    def problem(self) -> str:
        """What is wrong, for people."""
        try:
            return str(self.json()["detail"])
        except (ValueError, KeyError, TypeError):
            return f"The answer was {self.status}."


class Server:
    """One process."""

    def __init__(self, url: urllib.parse.SplitResult, address: str, key: Optional[str]) -> None:
        # It takes longer to load than all the rest, and programs that Millrace starts do without.
        import http.client

        self.address = address
        self._prefix = url.path.rstrip("/")
        self._headers = {"Host": url.netloc.rpartition("@")[2], "Content-Type": "application/json", "User-Agent": "millrace-python"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._broken = (OSError, http.client.HTTPException)
        self._connection: http.client.HTTPConnection
        if url.scheme == "https":
            self._connection = http.client.HTTPSConnection(address, url.port or 443)
        else:
            self._connection = http.client.HTTPConnection(address, url.port or 80)

    def post(self, path: str, body: bytes, wait: float) -> Reply:
        """Raises Away where no whole answer comes within so many seconds and some patience."""
        reused = self._connection.sock is not None
        try:
            return self._post(path, body, wait)
        except self._broken as error:
            self.close()
            if not reused:
                raise Away(f"Nobody answers at {self.address}: {error}.") from error
        # The connection may have been closed while nothing went over it. Both requests may be sent again.
        try:
            return self._post(path, body, wait)
        except self._broken as error:
            self.close()
            raise Away(f"Nobody answers at {self.address}: {error}.") from error

    def _post(self, path: str, body: bytes, wait: float) -> Reply:
        connection = self._connection
        connection.timeout = wait + PATIENCE_SECONDS
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(connection.timeout)
        connection.request("POST", self._prefix + path, body, self._headers)
        response = connection.getresponse()
        content = response.read()
        after = response.getheader("Retry-After", "")
        return Reply(response.status, content, float(after) if after.isdigit() else 0.0)

    def close(self) -> None:
        self._connection.close()


class Servers:
    """All processes behind a URL, in turn."""

    def __init__(self, url: str, key: Optional[str]) -> None:
        self._url = urllib.parse.urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise ValueError(f"The URL is {url!r}: it must be such as http://127.0.0.1:7072.")
        self._key = key
        self._servers: List[Server] = []
        self._looked: Optional[float] = None

    def next(self) -> Tuple[Server, int]:
        """Whose turn it is, and of how many."""
        now = time.monotonic()
        if self._looked is None or now - self._looked >= ADDRESSES_SECONDS:
            self._looked = now
            self._follow(self._addresses())
        server = self._servers.pop(0)
        self._servers.append(server)
        return server, len(self._servers)

    def close(self) -> None:
        for server in self._servers:
            server.close()

    def _follow(self, addresses: List[str]) -> None:
        known = {server.address: server for server in self._servers}
        for address in set(known) - set(addresses):
            known[address].close()
        self._servers = [known.get(address) or Server(self._url, address, self._key) for address in addresses]

    def _addresses(self) -> List[str]:
        host = self._url.hostname or ""
        # A certificate is for the name, and behind a name with TLS is a balancer.
        if self._url.scheme == "https":
            return [host]
        try:
            found = socket.getaddrinfo(host, self._url.port, type=socket.SOCK_STREAM)
        except OSError:
            # Its connection says what is wrong.
            return [server.address for server in self._servers] or [host]
        # One process may have an address of each kind.
        family = socket.AF_INET if any(entry[0] == socket.AF_INET for entry in found) else socket.AF_INET6
        return sorted({str(entry[4][0]) for entry in found if entry[0] == family})
