"""PRIV: what it lets whom see, by the word of either source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.events import (
    CanaryPlanted,
    ConnectionAccepted,
    FrameReceived,
    JunkReceived,
    LookupStarted,
    RequestReceived,
    SessionClosed,
    SocketOpened,
    Source,
    TcpStarted,
)
from conformance.model import Change, Endpoints, Outcome, Scenario, Shown
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import DOWN, LOCAL, PROFILE, PUBLIC, Story, ask, case, fault, scenario, story

WRONG = scenario(local=(fault("answer", signature="null"),), session=Outcome.PUBLIC, shown=Shown.BAD)
SILENT = scenario(local=(fault("silent"),), session=Outcome.PUBLIC, shown=Shown.SILENT)
ARGUABLE = scenario(local=(fault("answer", status=500),), session=Outcome.PUBLIC, shown=Shown.ARGUABLE)


def in_local_session() -> Story:
    return story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)


# --- PRIV-1: local is private --------------------------------------------------------------------


def test_a_local_session_alone_passes() -> None:
    finding = ask("PRIV-1", in_local_session().end(at=1025))
    assert finding.verdict is Verdict.PASS
    assert "in the 1005 ms in which the local server was its choice" in finding.reason
    (opened,) = in_local_session().end(at=1025).build().all(SocketOpened)
    assert finding.evidence == (opened.seq,)


@pytest.mark.parametrize(
    "told",
    [story().probe(at=10).socket(LOCAL, at=17, opened=20), story().socket(LOCAL, at=17, opened=20)],
    ids=["before the end of the answer", "unasked"],
)
def test_without_the_end_of_an_answer_its_choice_begins_with_the_socket(told: Story) -> None:
    assert "in the 1003 ms in which" in ask("PRIV-1", told.end(at=1025)).reason


def test_the_first_leak_is_told() -> None:
    told = story().probe(at=10, ended=15).fetch("https://api.extension.semantest.com/", at=16)
    finding = ask("PRIV-1", told.socket(LOCAL, at=17, opened=20).socket(PUBLIC, at=30, failed=40).end(at=1000))
    assert (finding.verdict, "at 16 ms" in finding.reason) == (Verdict.FAIL, True)


def test_looking_up_the_local_server_is_no_contact_with_the_public_one() -> None:
    told = in_local_session().seen(LookupStarted(at_ms=200, source=Source.BROWSER, side=LOCAL))
    assert ask("PRIV-1", told.end(at=1025)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "told",
    [
        in_local_session().socket(PUBLIC, at=200, failed=210),
        in_local_session().fetch("https://api.extension.semantest.com/health", at=200),
        in_local_session().fetch("http://api.extension.semantest.com/", at=200),
        in_local_session().preconnect("https://api.extension.semantest.com/", at=200),
        in_local_session().seen(TcpStarted(at_ms=200, source=Source.BROWSER, socket=99, side=PUBLIC)),
        in_local_session().seen(LookupStarted(at_ms=200, source=Source.BROWSER, side=PUBLIC)),
        in_local_session().seen(
            ConnectionAccepted(at_ms=200, source=Source.PUBLIC, connection=9, endpoint="public:443")
        ),
        in_local_session().seen(FrameReceived(at_ms=200, source=Source.PUBLIC, connection=9, opcode="text", size=3)),
        story()
        .probe(at=10, ended=15)
        .fetch("https://api.extension.semantest.com/", at=16)
        .socket(LOCAL, at=17, opened=20),
    ],
    ids=[
        "socket",
        "fetch",
        "plain fetch",
        "preconnect",
        "SYN",
        "look-up",
        "connection",
        "frame",
        "after the good signature",
    ],
)
def test_any_contact_with_the_public_host_fails(told: Story) -> None:
    finding = ask("PRIV-1", told.end(at=1000))
    assert finding.verdict is Verdict.FAIL
    assert "while its session was with the local server" in finding.reason
    assert finding.evidence


@pytest.mark.parametrize(
    "told",
    [
        story()
        .fetch("https://api.extension.semantest.com/", at=5)
        .probe(at=10, ended=15)
        .socket(LOCAL, at=17, opened=20),
        story()
        .probe(at=10, ended=15)
        .fetch("https://api.extension.semantest.com/", at=15)
        .socket(LOCAL, at=17, opened=20),
        in_local_session().drop(LOCAL, "half_open", at=2000).socket(PUBLIC, at=30000, opened=30050),
        in_local_session().farewell(at=2000).socket(PUBLIC, at=2001, opened=2050),
        story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=500).socket(PUBLIC, at=499, opened=540),
        in_local_session().fetch("https://elsewhere.example/", at=200),
        in_local_session().seen(FrameReceived(at_ms=200, source=Source.PUBLIC, connection=9, opcode="close", size=2)),
    ],
    ids=[
        "before its choice",
        "as it chose",
        "dead session",
        "left session",
        "within the error of its end",
        "elsewhere",
        "a parting",
    ],
)
def test_what_comes_before_or_after_its_choice_passes(told: Story) -> None:
    assert ask("PRIV-1", told).verdict is Verdict.PASS


def test_the_servers_word_that_the_session_ended_counts_too() -> None:
    closed = SessionClosed(at_ms=2000, source=Source.LOCAL, connection=2, code=1001, by="server")
    assert ask("PRIV-1", in_local_session().seen(closed).socket(PUBLIC, at=2001, opened=2040)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "told",
    [story(), story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20).socket(PUBLIC, at=22, opened=60)],
    ids=["nothing", "the local socket failed"],
)
def test_without_a_local_session_nothing_is_said(told: Story) -> None:
    assert not ask("PRIV-1", told).arose
    assert ORACLES["PRIV-1"].judge(case(told)) is None


def test_a_subject_without_a_public_server_has_none_to_tell() -> None:
    profile = replace(PROFILE, endpoints=Endpoints(public=None))
    assert ask("PRIV-1", in_local_session(), profile=profile).verdict is Verdict.UNSUPPORTED


# --- PRIV-2: nothing but the question ------------------------------------------------------------


def asked() -> Story:
    return story().probe(at=10, ended=15).socket(PUBLIC, at=17, opened=60)


@pytest.mark.parametrize("given", [WRONG, SILENT, DOWN], ids=["wrong", "silent", "down"])
def test_only_asking_passes(given: Scenario) -> None:
    told = (
        story().refused(at=10)
        if given is DOWN
        else story().probe(at=10, answered=None, ended=1500, error="ERR_ABORTED")
    )
    finding = ask("PRIV-2", told.socket(PUBLIC, at=1600, opened=1660), given)
    assert finding.verdict is Verdict.PASS
    assert "it asked once" in finding.reason


@pytest.mark.parametrize(
    "told",
    [
        story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20),
        story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20),
        story().socket(LOCAL, at=17, failed=20),
        asked().fetch("http://localhost:3003/health", at=100),
        asked().fetch("http://localhost:3003/semantest-signature", at=100, method="POST"),
        asked().socket(LOCAL, at=100, failed=110, url="ws://localhost:3003/other"),
        story().probe(at=10, ended=15, method="HEAD"),
        asked().seen(JunkReceived(at_ms=100, source=Source.LOCAL, connection=9, size=12)),
    ],
    ids=["session", "socket", "unasked socket", "other path", "POST", "other socket", "HEAD", "junk"],
)
def test_anything_else_fails(told: Story) -> None:
    finding = ask("PRIV-2", told, WRONG)
    assert finding.verdict is Verdict.FAIL
    assert "the local server had shown no good signature" in finding.reason


def arrived(target: str, *, upgrade: bool, at: float = 100) -> RequestReceived:
    return RequestReceived(
        at_ms=at, source=Source.LOCAL, connection=9, method="GET", target=target, host="h", origin=None, upgrade=upgrade
    )


@pytest.mark.parametrize(
    "event", [arrived("/", upgrade=True), arrived("/health", upgrade=False)], ids=["upgrade", "path"]
)
def test_what_only_the_server_saw_fails_too(event: RequestReceived) -> None:
    assert ask("PRIV-2", asked().seen(event), WRONG).verdict is Verdict.FAIL


def test_a_redirect_that_was_followed_is_the_servers_doing() -> None:
    told = story().probe(at=10, answered=None).redirected("http://localhost:3003/elsewhere", at=14)
    assert ask("PRIV-2", told.seen(arrived("/elsewhere", upgrade=False, at=16)), WRONG).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("at", "verdict"),
    [(99, Verdict.FAIL), (100, Verdict.INCONCLUSIVE), (104, Verdict.INCONCLUSIVE), (105, Verdict.PASS)],
)
def test_a_redirect_may_seem_to_be_followed_before_it_by_the_error(at: float, verdict: Verdict) -> None:
    told = story().probe(at=10, answered=None).redirected("http://localhost:3003/elsewhere", at=155)
    finding = ask("PRIV-2", told.seen(arrived("/elsewhere", upgrade=False, at=at)), WRONG, error_ms=5)
    assert finding.verdict is verdict


def test_a_fault_that_reads_no_http_takes_the_question_for_junk() -> None:
    told = asked().seen(JunkReceived(at_ms=12, source=Source.LOCAL, connection=1, size=200))
    given = scenario(local=(fault("tls_on_port"),), session=Outcome.PUBLIC, shown=Shown.BAD)
    assert ask("PRIV-2", told, given).verdict is Verdict.PASS


def test_a_good_signature_that_came_late_is_still_one() -> None:
    told = story().probe(at=10, ended=4010).socket(LOCAL, at=4012, opened=4015)
    given = scenario(local=(fault("answer", delay_ms=4000),), session=Outcome.PUBLIC, shown=Shown.SILENT)
    assert not ask("PRIV-2", told, given).arose


def test_an_arguable_answer_is_left_to_the_requirement_that_argues() -> None:
    assert not ask("PRIV-2", story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20), ARGUABLE).arose


THEN_WRONG = scenario(when=(Change(LOCAL, (fault("answer", signature="null"),)),), session=Outcome.PUBLIC)


def changed(*, told: Story) -> Story:
    return told.world(LOCAL, "answer(signature=null)", at=1000)


def test_a_session_from_before_the_change_goes_on() -> None:
    frame = FrameReceived(at_ms=3000, source=Source.LOCAL, connection=2, opcode="text", size=3)
    assert not ask("PRIV-2", changed(told=in_local_session()).seen(frame), THEN_WRONG).arose


def test_a_new_session_after_the_change_fails() -> None:
    told = changed(told=in_local_session()).probe(at=3000, ended=3005).socket(LOCAL, at=3010, opened=3015)
    assert ask("PRIV-2", told, THEN_WRONG).verdict is Verdict.FAIL


def test_asking_again_after_the_change_passes() -> None:
    told = changed(told=in_local_session()).probe(at=3000, ended=3005).socket(PUBLIC, at=3010, opened=3055)
    assert ask("PRIV-2", told, THEN_WRONG).verdict is Verdict.PASS


def test_a_socket_on_the_strength_of_the_answer_before_the_change_passes() -> None:
    told = changed(told=story().probe(at=900, ended=990)).socket(LOCAL, at=1070, opened=1080)
    assert not ask("PRIV-2", told, THEN_WRONG).arose


@pytest.mark.parametrize(
    ("at", "told"),
    [(1095, None), (1096, Verdict.INCONCLUSIVE), (1100, Verdict.INCONCLUSIVE), (1101, Verdict.FAIL)],
)
def test_a_socket_of_a_good_answer_may_arrive_after_its_end_by_the_error(at: float, told: Verdict | None) -> None:
    seen = changed(told=story().probe(at=900, ended=985).socket(LOCAL, at=990, failed=1045))
    finding = ask("PRIV-2", seen.seen(arrived("/", upgrade=True, at=at)), THEN_WRONG, error_ms=5)
    assert (finding.verdict if finding.arose else None) is told


@pytest.mark.parametrize(("at", "verdict"), [(1000, Verdict.INCONCLUSIVE), (999, Verdict.FAIL)])
def test_a_socket_of_a_good_answer_may_arrive_before_its_start_by_the_error(at: float, verdict: Verdict) -> None:
    told = story().world(LOCAL, at=1001).probe(at=1002, ended=1050).socket(LOCAL, at=1055, opened=1058)
    given = replace(WRONG, when=(Change(LOCAL, ()),))
    finding = ask("PRIV-2", told.seen(arrived("/", upgrade=True, at=at)), given, error_ms=5)
    assert (finding.arose, finding.verdict) == (True, verdict)


def test_sticking_to_a_local_server_that_is_not_itself_any_more_fails() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2000)
    assert ask("PRIV-2", changed(told=told).socket(LOCAL, at=3000, opened=3010), THEN_WRONG).verdict is Verdict.FAIL


@pytest.mark.parametrize("told", [story(), in_local_session()])
def test_a_good_server_may_be_told_anything(told: Story) -> None:
    assert ORACLES["PRIV-2"].judge(case(told)) is None


def test_the_window_in_which_nothing_else_was_sent_is_told() -> None:
    told = story().probe(at=10, ended=15).socket(PUBLIC, at=20, opened=60).end(at=10510)
    finding = ask("PRIV-2", told, WRONG)
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith("has anything else in the 10500 ms since")
    again = ask("PRIV-2", story().refused(at=10).refused(at=5000).end(at=10510), DOWN)
    assert again.reason.startswith("it asked 2 times")
    assert again.reason.endswith("in the 10500 ms since")


# --- PRIV-3: no credentials ----------------------------------------------------------------------


def test_a_bare_question_passes() -> None:
    finding = ask("PRIV-3", in_local_session())
    assert (finding.verdict, finding.reason) == (Verdict.PASS, "1 signature GET arrived without any credentials")


def test_a_cookie_fails() -> None:
    finding = ask("PRIV-3", story().probe(at=10, ended=15).probe(at=500, ended=505, credentials=("cookie",)))
    assert finding.verdict is Verdict.FAIL
    assert "carried cookie" in finding.reason


@pytest.mark.parametrize(
    ("query", "verdict"), [("?access_token=x", Verdict.FAIL), ("?token", Verdict.FAIL), ("?t=123", Verdict.PASS)]
)
def test_a_secret_in_the_url_fails(query: str, verdict: Verdict) -> None:
    told = story().probe(at=10, ended=15, target=f"/semantest-signature{query}")
    assert ask("PRIV-3", told).verdict is verdict


@pytest.mark.parametrize("told", [story(), story().refused(at=10), story().socket(LOCAL, at=10, opened=20)])
def test_no_question_that_arrived_says_nothing(told: Story) -> None:
    assert not ask("PRIV-3", told).arose
    assert ORACLES["PRIV-3"].judge(case(told)) is None


def test_what_there_was_to_send_is_told() -> None:
    planted = CanaryPlanted(at_ms=5, source=Source.RIG, what=("a cookie", "a token"))
    finding = ask("PRIV-3", in_local_session().seen(planted))
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith("and there were some to send: a cookie, a token")


# --- near the edge of a stretch ------------------------------------------------------------------


def leaving(at: float) -> Story:
    """A local session that ends at 3000 ms, and a public contact at another time."""
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=3000)
    return told.preconnect("https://api.extension.semantest.com/", at=at)


@pytest.mark.parametrize(
    ("at", "error", "verdict"),
    [
        (2899, 100, Verdict.FAIL),
        (2900, 100, Verdict.INCONCLUSIVE),
        (2994, 100, Verdict.INCONCLUSIVE),
        (2994, 5, Verdict.FAIL),
        (2995, 100, Verdict.PASS),
        (2995, 0, Verdict.PASS),
    ],
)
def test_a_large_error_acquits_no_leak(at: float, error: float, verdict: Verdict) -> None:
    finding = ask("PRIV-1", leaving(at), error_ms=error)
    assert finding.verdict is verdict
    assert ("within the error of ±100 ms" in finding.reason) is (verdict is Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [(5, Verdict.FAIL), (49, Verdict.FAIL), (50, Verdict.INCONCLUSIVE), (400, Verdict.INCONCLUSIVE)],
)
def test_a_large_error_acquits_nothing_that_was_sent(error: float, verdict: Verdict) -> None:
    told = story().world(LOCAL, "refused", at=1000).fetch("http://localhost:3003/secret", at=1100, method="POST")
    finding = ask("PRIV-2", told.refused(at=3000), error_ms=error)
    assert finding.verdict is verdict


@pytest.mark.parametrize(("at", "verdict"), [(1050, Verdict.PASS), (1051, Verdict.INCONCLUSIVE)])
def test_what_was_sent_as_the_world_changed_was_sent_to_the_one_before(at: float, verdict: Verdict) -> None:
    told = story().world(LOCAL, "refused", at=1000).fetch("http://localhost:3003/secret", at=at, method="POST")
    assert ask("PRIV-2", told.refused(at=3000), error_ms=400).verdict is verdict
