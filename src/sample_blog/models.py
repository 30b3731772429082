"""The blog's tables as its code sees them; the migrations lead to exactly these."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy looks it up

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Identity, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Author", "Base", "Comment", "Post", "Role", "User"]


class Base(DeclarativeBase):
    """The one registry of all tables."""


class Author(Base):
    """Who is named above a post."""

    __tablename__ = "author"
    __table_args__ = (UniqueConstraint("ref_code", name="uq_author_ref_code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    ref_code: Mapped[str] = mapped_column(String())


class User(Base):
    """Who can sign in."""

    __tablename__ = "users"
    __table_args__ = (Index("ix_users_email", "email", unique=True),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    full_name: Mapped[str | None] = mapped_column(String(120))
    registered_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Post(Base):
    """What is written."""

    __tablename__ = "posts"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published')", name="ck_posts_status"),
        UniqueConstraint("author_id", "slug", name="uq_posts_author_id_slug"),
        Index("ix_posts_author_id", "author_id"),
        Index("ix_posts_published", "published_at", postgresql_where=text("status = 'published'")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    author_id: Mapped[int] = mapped_column(
        ForeignKey("author.id", name="fk_posts_author_id_author", ondelete="CASCADE")
    )
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    status: Mapped[str] = mapped_column(String(20), server_default="draft")
    slug: Mapped[str | None] = mapped_column(String(80))


class Comment(Base):
    """What is answered."""

    __tablename__ = "comments"
    __table_args__ = (Index("ix_comments_post_id", "post_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id", name="fk_comments_post_id_posts", ondelete="CASCADE"))
    body: Mapped[str] = mapped_column(Text)
    approved: Mapped[bool] = mapped_column(server_default=text("false"))


class Role(Base):
    """What somebody may do."""

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    description: Mapped[str] = mapped_column(Text, comment="Shown to administrators")
