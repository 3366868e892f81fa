"""Members get a handle and a display name; a trigger keeps them and the name of 1.x in step.

1.x knows `name` alone and 2.x `display_name` and `handle` alone, so neither can write for the other: the
database does. A handle that nobody chose ends in `-` and the member's id. A chosen one has no `-`, so the two
never meet and no uniqueness has to be checked across a race.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what costs no rewrite and no scan. One table a transaction: two might deadlock with a request."""
    op.execute("ALTER TABLE member ADD COLUMN handle text, ADD COLUMN display_name text")
    op.execute(
        r"""CREATE FUNCTION derived_handle(name text, id bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
            SELECT coalesce(nullif(left(regexp_replace(lower(name), '[^a-z0-9]+', '', 'g'), 15), ''), 'member')
                || '-' || id
        $$"""
    )
    op.execute(
        """CREATE FUNCTION keep_member_names() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                NEW.display_name := coalesce(NEW.display_name, NEW.name);
                NEW.name := NEW.display_name;
                NEW.handle := coalesce(NEW.handle, derived_handle(NEW.display_name, NEW.id));
            ELSIF NEW.display_name IS DISTINCT FROM OLD.display_name THEN
                NEW.name := NEW.display_name;
            ELSIF NEW.name IS DISTINCT FROM OLD.name THEN
                NEW.display_name := NEW.name;
            END IF;
            RETURN NEW;
        END $$"""
    )
    op.execute(
        """CREATE TRIGGER keep_member_names BEFORE INSERT OR UPDATE ON member
            FOR EACH ROW EXECUTE FUNCTION keep_member_names()"""
    )
