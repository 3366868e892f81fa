"""The texts of 1.x in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "new_moment": "Your moment",
        "new_moment_hint": "What is happening? Up to 280 characters.",
        "post": "Post",
        "no_moments": "Nothing here yet. Yours can be the first.",
        "thumbs_up": "Thumbs-up",
        "delete": "Delete",
        "invite_hint": "They get a code of their own and join at once.",
        "name": "Name",
        "create_code": "Create a code",
        "date": "%-d %b, %H:%M UTC",
    },
    "ko": {
        "new_moment": "나의 순간",
        "new_moment_hint": "무슨 일이 있나요? 280자까지 쓸 수 있어요.",
        "post": "올리기",
        "no_moments": "아직 글이 없어요. 첫 글의 주인공이 되어 보세요.",
        "thumbs_up": "좋아요",
        "delete": "삭제",
        "invite_hint": "친구는 자기만의 코드를 받아 바로 들어올 수 있어요.",
        "name": "이름",
        "create_code": "코드 만들기",
        "date": "%-m월 %-d일 %H:%M UTC",
    },
}
