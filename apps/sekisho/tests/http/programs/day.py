"""A whole day of an application over HTTP, with nothing but what comes with Python.

Called with the control socket. Each step says what it did; the first that did not do what it should ends the day.
"""

import http.client
import json
import queue
import socket
import sys
import threading
import uuid


class Switch(http.client.HTTPConnection):
    """HTTP to a Unix socket."""

    def __init__(self, path):
        super().__init__("switch", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Application:
    def __init__(self, path):
        self.path = path

    def ask(self, method, place, body=None, headers=None):
        line = Switch(self.path)
        line.request(method, place, None if body is None else json.dumps(body), headers or {})
        reply = line.getresponse()
        said = json.loads(reply.read())
        line.close()
        return reply.status, said, reply.headers

    def submit(self, body, key=None):
        return self.ask("POST", "/v1/transactions", body, {"Idempotency-Key": key or str(uuid.uuid4())})

    def listen(self, place):
        """A queue of events; the line stays open as long as the thread lives."""
        line = Switch(self.path)
        line.request("GET", place)
        reply = line.getresponse()
        expect(reply.status == 200, f"{place} listens: {reply.status}")
        events = queue.Queue()

        def read():
            for text in reply:
                if text.startswith(b"data: "):
                    events.put(json.loads(text[6:]))

        threading.Thread(target=read, daemon=True).start()
        return events


def expect(so, what):
    if not so:
        sys.exit(f"FAILED: {what}")


def done(what):
    print(f"done: {what}", flush=True)


def until(events, name):
    passed = []
    while True:
        try:
            event = events.get(timeout=30)
        except queue.Empty:
            sys.exit(f"FAILED: {name} did not come; {passed} did")
        if event["type"] == name:
            return event
        passed.append(event["type"])


def main(path):
    app = Application(path)
    withdrawal = {
        "type": "withdrawal", "amount": 30000, "currency": "JPY", "terminal": "ATM00007", "acquirer": "12345678901",
        "card": {"pan": "4111111111111111", "expiry": "3012"}, "merchant": {"id": "SHOP1", "category": "6011"},
    }

    # 1. The link is closed: nothing passes, and that is said.
    status, said, _ = app.submit(withdrawal)
    expect((status, said["outcome"]) == (200, "rejected"), f"nobody signed on: {said}")
    done("business before sign-on is rejected")

    # 2. Sign-on, seen as an event.
    events = app.listen("/v1/stream?heartbeat_s=1")
    status, said, _ = app.ask("POST", "/v1/links/core/sign-on", {"by": "day.py"})
    expect(status == 200, f"sign-on: {said}")
    until(events, "link.signed_on")
    done("sign-on")

    # 3. A session.
    status, session, _ = app.ask("POST", "/v1/sessions", {"application": "POS1", "link": "core"})
    expect(status == 201 and session["number"] == 1, f"session: {session}")
    mine = app.listen(f"/v1/sessions/{session['id']}/events")
    until(mine, "session.opened")
    done("session")

    # 4. Business, and the same key again.
    withdrawal["session"] = session["id"]
    key = str(uuid.uuid4())
    status, first, _ = app.submit(withdrawal, key)
    expect((status, first["outcome"]) == (200, "approved"), f"approved: {first}")
    status, again, headers = app.submit(withdrawal, key)
    expect(again["id"] == first["id"] and headers["Idempotency-Replayed"] == "true", f"replayed: {again}")
    expect("4111111111111111" not in json.dumps(first), "no card in the answer")
    day_before = first["business_date"]
    done("withdrawal")

    # 5. Refused by the centre.
    status, said, _ = app.submit({**withdrawal, "card": {"pan": "4999000000000004"}})
    expect((status, said["outcome"], said["code"]) == (200, "pick_up", "stolen_card"), f"refused: {said}")
    done("refusal")

    # 6. Taken back.
    status, said, _ = app.ask("POST", f"/v1/transactions/{first['id']}/reverse", {})
    expect((status, said["outcome"]) == (200, "reversed"), f"reversed: {said}")
    event = until(events, "transaction.resolved")
    expect(event["subject"] == first["id"], f"the last word: {event}")
    done("reversal")

    # 7. The centre changes the day, and the application is told the new one.
    status, said, _ = app.ask("POST", "/v1/links/core/cutreq", {"by": "day.py"})
    expect(status == 200, f"cutreq: {said}")
    event = until(mine, "cutover.completed")
    expect(event["subject"] == "core" and event["business_date"] > day_before, f"the next day: {event}")
    status, said, _ = app.submit(withdrawal)
    expect(said["business_date"] == event["business_date"], f"on the new day: {said}")
    done("cutover")

    # 8. Out again: while a session is open a sign-off can be held, afterwards not.
    order = {"by": "day.py", "unless_sessions": True}
    status, said, _ = app.ask("POST", "/v1/links/core/sign-off", order)
    expect((status, said["code"]) == (409, "sessions_open"), f"held: {said}")
    status, said, _ = app.ask("DELETE", f"/v1/sessions/{session['id']}")
    expect((status, said["state"]) == (200, "closed"), f"closed: {said}")
    status, said, _ = app.ask("POST", "/v1/links/core/sign-off", order)
    expect(status == 200, f"sign-off: {said}")
    until(events, "link.signed_off")
    done("sign-off")


main(sys.argv[1])
