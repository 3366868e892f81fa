"""`provision`, `migrate` and `verify` on a real server."""

import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from inssaservice import migrate

from tests.app import tracks
from tests.app.postgres import PASSWORD, Postgres
from tests.app.tracks import HOST_CODE, Api, Track, get, post

NewTrack = Callable[..., Track]


class TestProvision:
    def test_the_roles_of_one_track_cannot_open_the_database_of_another(
        self, track: Track, new_track: NewTrack
    ) -> None:
        other = new_track()
        for role in ("app", "owner"):
            user = other.environment[f"INSSA_DATABASE_{role.upper()}_USER"]
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                track.postgres.connect(track.database, user, tracks.SECRETS[f"{role}_password"])

    def test_it_may_run_again_and_sets_a_rotated_password(
        self, new_track: NewTrack, secrets: Path, tmp_path: Path
    ) -> None:
        track = new_track()
        for file in secrets.iterdir():
            (tmp_path / file.name).write_text(file.read_text())
        (tmp_path / "app_password").write_text("rotated")
        assert track.with_(secrets_dir=str(tmp_path)).run("provision") == 0
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            track.connect_as("app")
        user = track.environment["INSSA_DATABASE_APP_USER"]
        track.postgres.connect(track.database, user, "rotated").close()
        assert track.run("provision") == 0

    def test_no_password_reaches_the_servers_log(self, postgres: Postgres, new_track: NewTrack) -> None:
        new_track()
        log = postgres.log()
        assert "SCRAM-SHA-256$" in log
        assert not any(tracks.SECRETS[f"{role}_password"] in log for role in ("app", "owner", "admin"))

    def test_an_administrator_that_is_no_superuser_is_enough(self, postgres: Postgres, secrets: Path) -> None:
        with postgres.connect() as connection:
            connection.execute(f"CREATE ROLE cloud LOGIN CREATEROLE CREATEDB PASSWORD '{PASSWORD}'")
        track = tracks.make(postgres, secrets, "cloud", database_admin_user="cloud")
        assert track.run("provision") == 0
        assert track.run("provision") == 0
        assert track.run("migrate") == 0


class TestMigrate:
    def test_it_may_run_again(self, track: Track) -> None:
        before = track.sql("SELECT id, name, code_hash FROM member ORDER BY id LIMIT 2")
        assert track.run("migrate") == 0
        assert track.sql("SELECT id, name, code_hash FROM member ORDER BY id LIMIT 2") == before
        assert track.sql("SELECT count(*) FROM member WHERE seed IS NOT NULL") == [(2,)]

    def test_two_at_a_time_end_well(self, new_track: NewTrack) -> None:
        track = new_track(lock_seconds="10")
        codes: list[int] = []
        threads = [threading.Thread(target=lambda: codes.append(track.run("migrate"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert codes == [0, 0]

    def test_a_lock_that_cannot_be_had_is_one_clear_error(
        self, track: Track, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with track.connect_as("owner") as holder:
            holder.execute("SELECT pg_advisory_lock(%s)", [migrate._LOCK])
            assert track.with_(lock_seconds="0.3").run("migrate") == 1
        assert capsys.readouterr().err == (
            "inssaservice: another migration has held its lock for 0.3 s: look at its Job, then run this one again\n"
        )

    def test_a_missing_role_is_one_clear_error(self, track: Track, capsys: pytest.CaptureFixture[str]) -> None:
        assert track.with_(database_app_user="nobody").run("migrate") == 1
        assert 'role "nobody" does not exist' in capsys.readouterr().err

    def test_the_app_role_has_no_more_rights_than_it_needs(self, track: Track) -> None:
        with track.connect_as("app") as connection:
            for statement in (
                "CREATE TABLE t ()",
                "DROP TABLE moment",
                "DELETE FROM member",
                "UPDATE schema_support SET oldest = 'v9.0.0'",
                "UPDATE moment SET text = 'changed'",
                "TRUNCATE session",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)

    def test_a_rotated_code_replaces_the_old_one(self, new_track: NewTrack, secrets: Path, tmp_path: Path) -> None:
        track = new_track()
        assert track.run("migrate") == 0
        for file in secrets.iterdir():
            (tmp_path / file.name).write_text(file.read_text())
        (tmp_path / "invitation_code").write_text("another-invitation-code")
        assert track.with_(secrets_dir=str(tmp_path)).run("migrate") == 0
        with track.serving() as address:
            Api(address, "another-invitation-code").close()
            assert post(f"{address}/api/v1/sign-in", json={"code": HOST_CODE}).status_code == 403


class TestReadiness:
    def test_a_schema_that_is_missing_or_that_serves_newer_releases_only(self, new_track: NewTrack) -> None:
        track = new_track()
        with track.serving() as address:

            def ready() -> tuple[int, str]:
                answer = get(f"{address}/readyz")
                return answer.status_code, answer.text

            assert ready() == (503, "the schema is missing: run `migrate` of v1.0.0\n")
            assert track.run("migrate") == 0
            assert ready() == (200, "ready\n")
            # A release from the future has expanded the schema; this image has never heard of the revision.
            track.sql("UPDATE alembic_version SET version_num = '0099'")
            assert ready() == (200, "ready\n")
            assert track.run("migrate") == 0
            track.sql("UPDATE schema_support SET oldest = 'v2.0.0'")
            status, reason = ready()
            assert status == 503
            assert "the oldest release it serves is v2.0.0" in reason
            assert track.run("migrate") == 3
            assert get(f"{address}/healthz").status_code == 200

    def test_a_candidate_counts_as_its_release(self, new_track: NewTrack) -> None:
        track = new_track(version="v1.4.0-rc2")
        assert track.run("migrate") == 0
        track.sql("UPDATE schema_support SET oldest = 'v1.4.0'")
        with track.serving() as address:
            assert get(f"{address}/readyz").status_code == 200


class TestVerify:
    @staticmethod
    def through(track: Track, address: str, /, **variables: str) -> Track:
        return track.with_(verify_url=address, verify_host="qa.stage.inssa.localhost", verify_seconds="1", **variables)

    def test_a_track_that_works_passes_and_nothing_is_left(
        self, track: Track, address: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = track.sql("SELECT count(*) FROM moment"), track.sql("SELECT count(*) FROM session")
        assert self.through(track, address).run("verify") == 0
        assert "v1.0.0" in capsys.readouterr().out
        assert (track.sql("SELECT count(*) FROM moment"), track.sql("SELECT count(*) FROM session")) == before

    def test_another_version_or_track_is_named(
        self, track: Track, address: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for variables in ({"version": "v1.0.1"}, {"track": "dogfooding"}):
            assert self.through(track, address, **variables).run("verify") == 1
            error = capsys.readouterr().err
            assert f"last answered by version v1.0.0 of track {track.environment['INSSA_TRACK']}" in error

    def test_a_track_that_is_not_ready_is_told_with_its_reason(
        self, new_track: NewTrack, capsys: pytest.CaptureFixture[str]
    ) -> None:
        track = new_track()
        with track.serving() as address:
            assert self.through(track, address).run("verify") == 1
        assert "not ready (the schema is missing" in capsys.readouterr().err

    def test_a_verifier_that_cannot_sign_in_is_told(
        self, track: Track, address: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        track.sql("UPDATE member SET code_hash = sha256('other') WHERE seed = 'verifier'")
        try:
            assert self.through(track, address).run("verify") == 1
        finally:
            track.run("migrate")
        error = capsys.readouterr().err
        assert "POST /api/v1/sign-in" in error
        assert "answered 403, expected 200" in error
        assert tracks.VERIFIER_CODE not in error
