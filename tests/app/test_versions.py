"""1.0 and 2.0 on one database: expansion, both at once, and the contraction."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from inssaservice import migrate, releases, settings

from tests.app.tracks import HOST_CODE, Api, Browser, Track, get

NewTrack = Callable[..., Track]
V1 = {"version": "v1.0.0", "release": "v1"}
V2 = {"version": "v2.0.0-rc1", "release": "v2"}
V2_ENVIRONMENT = {"INSSA_RELEASE": "v2"}


@dataclass(frozen=True)
class Pair:
    """Both releases serving on the expanded schema; the host is signed in to each."""

    old: Track
    new: Track
    old_address: str
    new_address: str
    old_host: Api
    new_host: Api


@contextlib.contextmanager
def both(track: Track) -> Iterator[Pair]:
    old, new = track.with_(**V1), track.with_(**V2)
    with (
        old.serving() as old_address,
        new.serving() as new_address,
        Api(old_address, HOST_CODE) as old_host,
        Api(new_address, HOST_CODE) as new_host,
    ):
        yield Pair(old, new, old_address, new_address, old_host, new_host)


@pytest.fixture(scope="module")
def expanded(new_track: NewTrack) -> Track:
    """A database of 1.0 with members and thumbs-ups from before the expansion to 2.0."""
    track = new_track(lock_seconds="10")
    assert track.run("migrate") == 0
    with track.serving() as address, Api(address, HOST_CODE) as host:
        moment = host.post_moment("from before")
        for name in ("Early Bird", "민지"):
            with Api(address, host.invite(name)) as member:
                member.put(f"/api/v1/moments/{moment}/thumbs-up").raise_for_status()
                member.post_moment(f"I am {name}")
    assert track.with_(**V2).run("migrate") == 0
    return track


@pytest.fixture(scope="module")
def pair(expanded: Track) -> Iterator[Pair]:
    with both(expanded) as pair:
        yield pair


def by_text(api: Api, text: str) -> dict[str, object]:
    return next(moment for moment in api.feed().values() if moment["text"] == text)


class TestNames:
    def test_members_from_before_have_a_handle_and_a_display_name(self, pair: Pair) -> None:
        authors = {m["author"]["name"]: m["author"]["handle"] for m in pair.new_host.feed().values()}
        assert authors["Early Bird"].startswith("earlybird-")
        assert authors["민지"].startswith("member-")
        assert authors["Host"] == "host-1"

    def test_a_member_created_by_1_0_is_right_in_2_0(self, pair: Pair) -> None:
        with Api(pair.old_address, pair.old_host.invite("Made By One")) as member:
            member.post_moment("made by one")
        author = by_text(pair.new_host, "made by one")["author"]
        assert author["name"] == "Made By One"  # type: ignore[index]
        assert author["handle"].startswith("madebyone-")  # type: ignore[index]

    def test_a_member_created_by_2_0_is_right_in_1_0(self, pair: Pair) -> None:
        answer = pair.new_host.post("/api/v1/invitations", json={"name": "서연", "handle": "seoyeon"})
        with Api(pair.old_address, answer.json()["code"]) as member:
            member.post_moment("made by two")
        assert by_text(pair.old_host, "made by two")["author"]["name"] == "서연"  # type: ignore[index]
        assert by_text(pair.new_host, "made by two")["author"]["handle"] == "seoyeon"  # type: ignore[index]

    def test_a_name_changed_in_either_is_changed_in_both(self, pair: Pair) -> None:
        code = pair.old_host.invite("Before")
        with Browser(pair.new_address) as browser, Api(pair.old_address, code) as member:
            member.post_moment("who am I")
            browser.sign_in(code)
            browser.submit("/profile", name="After", handle="after")
            assert by_text(pair.old_host, "who am I")["author"]["name"] == "After"  # type: ignore[index]
        # 1.0 has no form for it, but its column may be written by hand.
        pair.old.sql("UPDATE member SET name = 'By hand' WHERE handle = 'after'")
        assert by_text(pair.new_host, "who am I")["author"]["name"] == "By hand"  # type: ignore[index]


class TestReactions:
    def test_thumbs_ups_from_before_are_reactions(self, pair: Pair) -> None:
        moment = by_text(pair.new_host, "from before")
        assert moment["reactions"] == {"thumbs_up": 2, "heart": 0, "laugh": 0, "party": 0, "sad": 0}
        assert moment["thumbs_up"] == 2

    def test_1_0_sees_every_kind_as_a_thumbs_up_and_can_take_it_back(self, pair: Pair) -> None:
        moment = pair.old_host.post_moment("for hearts")
        code = pair.new_host.invite("Reacts")
        with Api(pair.new_address, code) as new, Api(pair.old_address, code) as old:
            new.put(f"/api/v1/moments/{moment}/reaction", json={"kind": "heart"}).raise_for_status()
            seen = old.feed()[moment]
            assert (seen["thumbs_up"], seen["given"]) == (1, True)
            # Giving what it sees as given changes nothing, in either release.
            for api in (old, new):
                api.put(f"/api/v1/moments/{moment}/thumbs-up").raise_for_status()
                assert new.feed()[moment]["reaction"] == "heart"
            old.delete(f"/api/v1/moments/{moment}/thumbs-up").raise_for_status()
            seen = new.feed()[moment]
            assert (seen["reaction"], seen["reactions"]["heart"], seen["thumbs_up"]) == (None, 0, 0)

    def test_a_thumbs_up_of_1_0_is_one_in_2_0_and_may_become_another_kind(self, pair: Pair) -> None:
        moment = pair.new_host.post_moment("for thumbs")
        code = pair.old_host.invite("Gives")
        with Api(pair.new_address, code) as new, Api(pair.old_address, code) as old:
            old.put(f"/api/v1/moments/{moment}/thumbs-up").raise_for_status()
            assert new.feed()[moment]["reaction"] == "thumbs_up"
            new.put(f"/api/v1/moments/{moment}/reaction", json={"kind": "party"}).raise_for_status()
            assert old.feed()[moment]["thumbs_up"] == 1
            assert new.feed()[moment]["reactions"]["party"] == 1

    def test_a_kind_of_a_later_release_counts_as_a_thumbs_up(self, pair: Pair) -> None:
        moment = by_text(pair.new_host, "I am Early Bird")["id"]
        pair.new.sql("INSERT INTO reaction (moment_id, member_id, kind) VALUES (%s, 1, 'clap')", moment)
        assert by_text(pair.new_host, "I am Early Bird")["reactions"]["thumbs_up"] == 1  # type: ignore[index]


class TestTrafficMoves:
    def test_a_member_stays_signed_in_both_ways(self, pair: Pair) -> None:
        with Browser(pair.old_address) as browser:
            browser.sign_in(HOST_CODE)
            for address in (pair.new_address, pair.old_address):
                browser.base_url = address
                assert 'action="/sign-out"' in browser.visit().text
            browser.base_url = pair.new_address
            browser.submit("/sign-out")
            browser.base_url = pair.old_address
            assert 'action="/sign-in"' in browser.visit().text

    @pytest.mark.parametrize("forth", [True, False])
    def test_a_page_of_one_release_may_be_sent_to_the_other(self, pair: Pair, forth: bool) -> None:
        here, there = (pair.old_address, pair.new_address) if forth else (pair.new_address, pair.old_address)
        moment = pair.old_host.post_moment(f"sent over {forth}")
        with Browser(here) as browser:
            browser.sign_in(pair.old_host.invite("Moves"))
            browser.base_url = there
            kind = {} if forth else {"kind": "laugh"}
            assert browser.submit(f"/moments/{moment}/thumbs-up", **kind).status_code == 200
            assert pair.old_host.feed()[moment]["thumbs_up"] == 1
            assert browser.submit("/moments", text=f"posted over {forth}").status_code == 200
            handle = {} if forth else {"handle": "ignored_by_1_0"}
            assert 'class="code"' in browser.submit("/invitations", name="Friend", **handle).text
        assert by_text(pair.new_host, f"posted over {forth}")

    def test_a_sign_in_page_of_one_release_may_be_sent_to_the_other(self, pair: Pair) -> None:
        with Browser(pair.old_address) as browser:
            browser.visit()
            browser.base_url = pair.new_address
            assert 'action="/sign-out"' in browser.submit("/sign-in", code=HOST_CODE).text

    def test_both_are_ready_and_both_verify(self, pair: Pair) -> None:
        for track, address in ((pair.old, pair.old_address), (pair.new, pair.new_address)):
            assert get(f"{address}/readyz").status_code == 200
            assert track.with_(verify_url=address, verify_host="x").run("verify") == 0


class TestExpansion:
    def test_it_may_run_again_and_1_0_may_migrate_after_it(self, expanded: Track) -> None:
        before = expanded.sql("SELECT id, name, handle, display_name FROM member ORDER BY id")
        for variables in (V2, V1, V2):
            assert expanded.with_(**variables).run("migrate") == 0
        assert expanded.sql("SELECT id, name, handle, display_name FROM member ORDER BY id") == before
        assert expanded.sql("SELECT version_num FROM alembic_version") == [("0006",)]
        assert expanded.sql("SELECT oldest FROM schema_support") == [("v1.0.0",)]

    def test_2_0_is_not_ready_before_it(self, new_track: NewTrack) -> None:
        track = new_track()
        track.run("migrate")
        with track.with_(**V2).serving() as address:
            answer = get(f"{address}/readyz")
            assert answer.status_code == 503
            assert "at 0001, v2.0.0 needs 0006" in answer.text

    def test_a_table_that_stays_locked_is_one_clear_error_and_members_are_not_held_up(
        self, new_track: NewTrack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        track = new_track(lock_seconds="1.5", **V1)
        track.run("migrate")
        capsys.readouterr()
        with track.serving() as address, Api(address, HOST_CODE) as host:
            # As a report does that somebody left open: it reads, and holds up the ALTER TABLE.
            with track.connect_as("owner") as report:
                report.autocommit = False
                report.execute("SELECT 1 FROM member")
                waiting = threading.Thread(target=track.with_(**V2).run, args=["migrate"])
                waiting.start()
                while waiting.is_alive():
                    assert host.get("/api/v1/feed").status_code == 200
                    host.post_moment("meanwhile")
                    time.sleep(0.02)
                report.rollback()
            error = capsys.readouterr().err
            assert "others have kept a table locked for 1.5 s: end the long transaction" in error
            assert track.with_(**V2).run("migrate") == 0

    def test_an_interrupted_backfill_goes_on_where_it_was(self, new_track: NewTrack) -> None:
        track = new_track(lock_seconds="0.2")
        track.run("migrate")
        track.sql(
            "INSERT INTO member (name, code_hash)"
            " SELECT 'Member ' || n, sha256(n::text::bytea) FROM generate_series(1, 1200) n"
        )
        configured, release = settings.load(track.environment), releases.load(V2_ENVIRONMENT)
        with migrate._alone(configured) as engine:
            migrate._upgrade(engine, configured, release, "0003")
        with track.connect_as("owner") as holder:
            holder.autocommit = False
            holder.execute("SELECT 1 FROM member WHERE name = 'Member 900' FOR UPDATE")
            assert track.with_(**V2).run("migrate") == 1
        filled = track.sql("SELECT count(*) FROM member WHERE handle IS NOT NULL")
        assert filled == [(500,)]
        # Left behind by a build that was killed: the name is taken by what is no such index.
        track.sql("CREATE INDEX member_handle_key ON member (display_name)")
        assert track.with_(lock_seconds="10", **V2).run("migrate") == 0
        assert track.sql("SELECT count(*), count(DISTINCT handle) FROM member") == [(1202, 1202)]
        assert track.sql("SELECT count(*) FROM member WHERE display_name <> name") == [(0,)]
        definition = track.sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'member_handle_key'")
        assert "UNIQUE" in str(definition)

    def test_writers_of_both_releases_lose_nothing_while_everything_changes(self, new_track: NewTrack) -> None:
        track = new_track(lock_seconds="20")
        track.run("migrate")
        stop = threading.Event()
        acknowledged: list[str] = []
        failures: list[str] = []

        def write(address: str, label: str, code: str, moment: int) -> None:
            with Api(address, code) as api:
                number = 0
                while not stop.is_set():
                    number += 1
                    text = f"{label} {number}"
                    for answer in (
                        api.post("/api/v1/moments", json={"text": text}),
                        api.post("/api/v1/invitations", json={"name": text}),
                        api.put(f"/api/v1/moments/{moment}/thumbs-up"),
                        api.delete(f"/api/v1/moments/{moment}/thumbs-up"),
                    ):
                        if answer.is_error:
                            failures.append(f"{label}: {answer.status_code} {answer.text}")
                    acknowledged.append(text)
                    time.sleep(0.01)

        with track.serving() as old, track.with_(**V2).serving() as new, Api(old, HOST_CODE) as host:
            moment = host.post_moment("for all")
            codes = [host.invite(f"Writer {number}") for number in range(2)]
            writers = [threading.Thread(target=write, args=[old, "one", codes[0], moment])]
            writers[0].start()
            time.sleep(0.1)
            assert track.with_(**V2).run("migrate") == 0
            writers.append(threading.Thread(target=write, args=[new, "two", codes[1], moment]))
            writers[1].start()
            time.sleep(0.3)
            stop.set()
            for writer in writers:
                writer.join()
        assert failures == []
        assert any(text.startswith("two") for text in acknowledged)
        stored = {text for (text,) in track.sql("SELECT text FROM moment")}
        invited = {name for (name,) in track.sql("SELECT name FROM member WHERE display_name = name")}
        assert set(acknowledged) <= stored
        assert set(acknowledged) <= invited
        assert track.sql("SELECT count(*) FROM member WHERE handle IS NULL") == [(0,)]


class TestContraction:
    @pytest.fixture
    def track(self, new_track: NewTrack) -> Track:
        """A database of 1.0, expanded to 2.0."""
        track = new_track(**V2)
        assert track.with_(**V1).run("migrate") == 0
        assert track.run("migrate") == 0
        return track

    def test_it_is_refused_while_an_older_release_serves(
        self, track: Track, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with track.with_(**V1).serving() as address:
            get(f"{address}/readyz")
            assert track.run("contract") == 3
            error = capsys.readouterr().err
            assert f"still serving: v1.0.0 (track {track.environment['INSSA_TRACK']}). Nothing was changed." in error
            assert get(f"{address}/readyz").status_code == 200
        # It ended in good order and took its row with it.
        assert track.run("contract") == 0

    def test_a_process_that_was_killed_counts_until_its_row_is_stale(self, track: Track) -> None:
        track.sql("INSERT INTO serving VALUES ('killed', 'v1.9.3', 'old', now() - interval '35 s')")
        assert track.run("contract") == 3
        track.sql("UPDATE serving SET seen_at = now() - interval '41 s'")
        assert track.run("contract") == 0
        assert track.run("contract") == 0

    def test_2_0_goes_on_through_it_and_1_0_is_out(self, track: Track) -> None:
        with track.serving() as address, Api(address, HOST_CODE) as host:
            # Enough for the driver to have prepared its statements on the old schema.
            for _ in range(8):
                moment = host.post_moment("before")
                host.invite("Prepared")
                host.feed()
            code = host.invite("Reacts")
            with Api(address, code) as member:
                for _ in range(8):
                    member.put(f"/api/v1/moments/{moment}/reaction", json={"kind": "heart"}).raise_for_status()
                assert track.run("contract") == 0
                member.put(f"/api/v1/moments/{moment}/reaction", json={"kind": "party"}).raise_for_status()
                assert member.feed()[moment]["reactions"]["party"] == 1
                member.delete(f"/api/v1/moments/{moment}/reaction").raise_for_status()
            with Api(address, host.invite("No Handle")) as newcomer:
                newcomer.post_moment("after")
            handle = by_text(host, "after")["author"]["handle"]  # type: ignore[index]
            assert handle.startswith("nohandle-")
            assert track.run("migrate") == 0
            assert get(f"{address}/readyz").status_code == 200
        with track.with_(**V1).serving() as address:
            answer = get(f"{address}/readyz")
            assert answer.status_code == 503
            assert "the oldest release it serves is v2.0.0" in answer.text
        assert track.with_(**V1).run("migrate") == 3
        assert track.sql("SELECT 1 FROM pg_class WHERE relname = 'thumbs_up'") == []
        columns = {
            c for (c,) in track.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'member'")
        }
        assert "name" not in columns

    def test_one_that_was_interrupted_has_put_1_0_out_first_and_goes_on(self, track: Track) -> None:
        with track.connect_as("owner") as report:
            report.autocommit = False
            report.execute("SELECT 1 FROM member")
            assert track.with_(lock_seconds="0").run("contract") == 1
        assert track.sql("SELECT oldest FROM schema_support") == [("v2.0.0",)]
        with track.serving() as address, Api(address, HOST_CODE) as host:
            host.post_moment("in between")
            assert track.run("contract") == 0
            assert by_text(host, "in between")

    def test_it_starts_from_the_expanded_schema_only(
        self, new_track: NewTrack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        track = new_track(**V2)
        assert track.run("contract") == 3
        assert "the schema is at None, the contraction starts from 0006: run `migrate` first" in capsys.readouterr().err

    def test_1_0_has_none(self, track: Track, capsys: pytest.CaptureFixture[str]) -> None:
        assert track.with_(**V1).run("contract") == 1
        assert "v1.0.0 has nothing to contract" in capsys.readouterr().err
