"""PUB: how it treats the public server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.events import CertificateRejected, SocketStarted, Source
from conformance.model import Change, Endpoints, FaultSpec, Outcome, Shown
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import DOWN, LOCAL, PROFILE, PUBLIC, REFUSED, Story, ask, case, fault, scenario, story

LOCAL_ONLY = replace(PROFILE, endpoints=Endpoints(public=None))
SELF_SIGNED = fault("certificate", kind="self_signed")
UNTRUSTED = scenario(local=(REFUSED,), public=(SELF_SIGNED,), session=Outcome.NONE, shown=Shown.BAD)
BUSY = scenario(local=(REFUSED,), public=(fault("refuse_upgrade", status=503),), session=Outcome.NONE, shown=Shown.BAD)
REJECTED = CertificateRejected(at_ms=20, source=Source.BROWSER, flags=("AUTHORITY_INVALID",))


def public_session() -> Story:
    return story().refused(at=10).socket(PUBLIC, at=15, opened=60)


# --- PUB-1: TLS only -----------------------------------------------------------------------------


def test_tls_passes() -> None:
    told = public_session().fetch("https://api.extension.semantest.com/health", at=100)
    finding = ask("PUB-1", told, DOWN)
    assert (finding.verdict, finding.reason) == (Verdict.PASS, "all 2 contacts with the public host over TLS")
    assert ask("PUB-1", public_session(), DOWN).reason == "one contact with the public host over TLS"


@pytest.mark.parametrize(
    "told",
    [
        story().refused(at=10).socket(PUBLIC, at=15, failed=20, url="ws://api.extension.semantest.com"),
        public_session().fetch("http://api.extension.semantest.com/health", at=100),
        public_session().preconnect("http://api.extension.semantest.com:8080/", at=100),
    ],
)
def test_plain_text_fails(told: Story) -> None:
    finding = ask("PUB-1", told, DOWN)
    assert finding.verdict is Verdict.FAIL
    assert "without TLS" in finding.reason


def test_a_profile_without_tls_fails_by_its_own_word() -> None:
    profile = replace(PROFILE, endpoints=Endpoints(public="ws://api.extension.semantest.com"))
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60, url="ws://api.extension.semantest.com")
    assert ask("PUB-1", told, DOWN, profile=profile).verdict is Verdict.FAIL


@pytest.mark.parametrize("told", [story(), story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)])
def test_no_contact_says_nothing_of_tls(told: Story) -> None:
    assert not ask("PUB-1", told).arose
    assert ORACLES["PUB-1"].judge(case(told)) is None


# --- PUB-2: invalid certificates -----------------------------------------------------------------


@pytest.mark.parametrize("untrusted", [SELF_SIGNED, fault("old_tls"), fault("plaintext")], ids=str)
def test_no_session_with_a_server_that_must_not_be_trusted_passes(untrusted: FaultSpec) -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=25, error="ERR_CERT_AUTHORITY_INVALID").seen(REJECTED)
    finding = ask("PUB-2", told, replace(UNTRUSTED, given=replace(UNTRUSTED.given, public=(untrusted,))))
    assert finding.verdict is Verdict.PASS
    assert "ERR_CERT_AUTHORITY_INVALID" in finding.reason


def test_the_first_of_several_tries_is_told() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=25, error="ERR_CERT_DATE_INVALID")
    told.refused(at=1000).socket(PUBLIC, at=1005, failed=1015, error="ERR_CERT_AUTHORITY_INVALID")
    assert ask("PUB-2", told, UNTRUSTED).reason.endswith("(ERR_CERT_DATE_INVALID)")
    opening = story().refused(at=10).socket(PUBLIC, at=15).refused(at=1000).socket(PUBLIC, at=1005)
    first, _ = opening.build().all(SocketStarted)
    assert ask("PUB-2", opening, UNTRUSTED).evidence == (first.seq,)


def test_a_session_with_it_fails() -> None:
    assert ask("PUB-2", public_session(), UNTRUSTED).verdict is Verdict.FAIL


def test_a_session_around_it_fails() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=25)
    plain = told.socket(PUBLIC, at=30, opened=45, url="ws://api.extension.semantest.com")
    finding = ask("PUB-2", plain, UNTRUSTED)
    assert finding.verdict is Verdict.FAIL
    assert "without TLS" in finding.reason
    assert ask("PUB-2", plain, DOWN).arose is False  # there was nothing to get around


def test_a_session_at_the_second_try_fails() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=25).refused(at=1000).socket(PUBLIC, at=1005, opened=1050)
    assert ask("PUB-2", told, UNTRUSTED).verdict is Verdict.FAIL


def test_a_session_after_the_certificate_was_mended_passes() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=25).world(PUBLIC, at=500)
    told.refused(at=1000).socket(PUBLIC, at=1005, opened=1050)
    assert ask("PUB-2", told, replace(UNTRUSTED, when=(Change(PUBLIC, ()),))).verdict is Verdict.PASS


def test_a_socket_that_is_still_opening_is_undecided() -> None:
    finding = ask("PUB-2", story().refused(at=10).socket(PUBLIC, at=15), UNTRUSTED)
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, True)


@pytest.mark.parametrize("told", [story(), story().refused(at=10)])
def test_no_try_says_nothing_of_trust(told: Story) -> None:
    assert not ask("PUB-2", told, UNTRUSTED).arose
    assert not ask("PUB-2", public_session(), DOWN).arose


# --- PUB-3: backs off ----------------------------------------------------------------------------


def refused_public(*waits: float) -> Story:
    """Public sockets refused with 503, with these waits between them."""
    told, at = story(), 10.0
    for wait in (*waits, 0):
        told.refused(at=at).socket(PUBLIC, at=at + 5, failed=at + 15)
        at += 10 + wait
    return told


def test_growing_waits_after_refusals_pass() -> None:
    finding = ask("PUB-3", refused_public(800, 1700, 4100), BUSY)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.PASS, 800, 500)


def test_a_fixed_grid_is_backing_off_all_the_same() -> None:
    assert ask("PUB-3", refused_public(1000, 2000, 4000, 8000, 16000), BUSY).verdict is Verdict.PASS


@pytest.mark.parametrize("waits", [(100,), (800, 100), (2000, 2000, 2000)])
def test_coming_back_at_once_or_as_often_as_before_fails(waits: tuple[float, ...]) -> None:
    assert ask("PUB-3", refused_public(*waits), BUSY).verdict is Verdict.FAIL


def test_other_failures_between_are_no_refusals() -> None:
    given = replace(BUSY, when=(Change(PUBLIC, (REFUSED,)),))
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=25).world(PUBLIC, "refused", at=100)
    told.no_server(at=1000).no_server(at=1050)
    assert ask("PUB-3", told, given).measured_ms == 978


def test_refusals_that_come_after_another_failure_are_refusals() -> None:
    given = replace(BUSY, given=replace(BUSY.given, public=(REFUSED,)), when=(Change(PUBLIC, BUSY.given.public),))
    told = story().no_server(at=10).world(PUBLIC, "refuse_upgrade(status=503)", at=100)
    told.refused(at=1000).socket(PUBLIC, at=1005, failed=1015).refused(at=2000).socket(PUBLIC, at=2005, opened=2050)
    finding = ask("PUB-3", told, given)
    assert (finding.verdict, finding.measured_ms) == (Verdict.PASS, 990)


def test_each_run_of_refusals_is_a_row_of_its_own() -> None:
    given = replace(BUSY, when=(Change(PUBLIC, (REFUSED,)), Change(PUBLIC, BUSY.given.public)))
    told = refused_public(800).world(PUBLIC, "refused", at=1000).no_server(at=2000)
    told.world(PUBLIC, "refuse_upgrade(status=503)", at=2100)
    for at in (3000, 3620, 4340):
        told.refused(at=at).socket(PUBLIC, at=at + 5, failed=at + 15)
    finding = ask("PUB-3", told, given)
    assert (finding.verdict, finding.measured_ms) == (Verdict.PASS, 610)
    assert finding.reason.startswith("waited 800, 1168 ms between attempts")


def test_too_many_requests_is_a_refusal_too() -> None:
    given = replace(BUSY, given=replace(BUSY.given, public=(fault("refuse_upgrade", status=429),)))
    assert ask("PUB-3", refused_public(100), given).verdict is Verdict.FAIL


def held_back(*, checks: bool) -> Story:
    """Refused every 600 ms, 14 times: the browser holds the public sockets back, more and more and at random."""
    told, at = story(), 10.0
    for failures in range(14):
        if checks:
            told.refused(at=at)
        delayed = at + 5 + (failures % 3) * 2.0**failures / 30
        told.socket(PUBLIC, at=delayed, failed=delayed + 4)
        at = delayed + 604
    return told


@pytest.mark.parametrize(("checks", "left_out"), [(False, 6), (True, 4)], ids=["sockets only", "after the local check"])
def test_the_browsers_own_delay_is_no_backing_off(checks: bool, left_out: int) -> None:
    finding = ask("PUB-3", held_back(checks=checks), BUSY)
    assert finding.verdict is Verdict.FAIL
    assert "no longer after repeated failures than after the first" in finding.reason
    assert f"{left_out} more are left out: a part may be the browser's own delay of WebSockets" in finding.reason


def test_growing_waits_are_the_subjects_own_for_all_the_browsers_delay() -> None:
    """A check ends the wait, and the browser's delay comes after that: what it could add is not much of 2 s."""
    finding = ask("PUB-3", refused_public(800, 1700, 4100, 8000), BUSY)
    assert (finding.verdict, "left out" in finding.reason) == (Verdict.PASS, False)


def test_where_every_wait_may_be_the_browsers_nothing_is_told() -> None:
    """Fourteen other sockets failed before: what follows the first refusal may be the browser's own delay."""
    told = story()
    for number in range(14):
        told.socket(LOCAL, at=10 + number, failed=10.5 + number)
    told.socket(PUBLIC, at=100, failed=110).socket(PUBLIC, at=900, failed=910)
    finding = ask("PUB-3", told, BUSY)
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, True)
    assert "a part of the only wait may be the browser's own delay" in finding.reason


def test_a_wait_no_longer_than_the_noise_of_a_timer_is_not_left_out() -> None:
    told = story()
    for number in range(14):
        told.socket(LOCAL, at=10 + number, failed=10.5 + number)
    finding = ask("PUB-3", told.socket(PUBLIC, at=100, failed=110).socket(PUBLIC, at=130, failed=140), BUSY)
    assert (finding.verdict, finding.measured_ms) == (Verdict.FAIL, 20)


@pytest.mark.parametrize(
    ("told", "said"),
    [(story(), "never met"), (story().refused(at=10), "never met"), (refused_public(), "never tried again after")],
)
def test_no_second_try_says_nothing_of_backing_off(told: Story, said: str) -> None:
    finding = ask("PUB-3", told, BUSY)
    assert not finding.arose
    assert said in finding.reason


def test_another_status_is_no_refusal_of_that_kind() -> None:
    given = scenario(
        local=(REFUSED,), public=(fault("refuse_upgrade", status=404),), session=Outcome.NONE, shown=Shown.BAD
    )
    assert not ask("PUB-3", refused_public(100), given).arose


@pytest.mark.parametrize("requirement", ["PUB-1", "PUB-2", "PUB-3"])
def test_a_subject_without_a_public_server_is_not_asked(requirement: str) -> None:
    assert ask(requirement, story().refused(at=10), UNTRUSTED, profile=LOCAL_ONLY).verdict is Verdict.UNSUPPORTED
