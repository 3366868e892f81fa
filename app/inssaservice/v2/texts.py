"""The texts of 2.x in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "new_moment": "Share a moment",
        "new_moment_hint": "Up to 280 characters",
        "post": "Share",
        "no_moments": "It is quiet here. Say hello.",
        "reactions": "Reactions",
        "thumbs_up": "Thumbs-up",
        "heart": "Love",
        "laugh": "Funny",
        "party": "Hooray",
        "sad": "Sad",
        "delete": "Delete",
        "profile": "Your profile",
        "display_name": "Display name",
        "handle": "Handle",
        "handle_hint": "2 to 20 of a-z, 0-9 and _",
        "handle_form": "A handle has 2 to 20 of the letters a-z, digits and _.",
        "handle_taken": "Somebody else has this handle.",
        "optional": "optional",
        "save": "Save",
        "invite_hint": "They get a code of their own and join at once.",
        "create_code": "Create a code",
    },
    "ko": {
        "new_moment": "순간 나누기",
        "new_moment_hint": "280자까지",
        "post": "나누기",
        "no_moments": "아직 조용하네요. 먼저 인사해 볼까요?",
        "reactions": "반응",
        "thumbs_up": "좋아요",
        "heart": "사랑해요",
        "laugh": "웃겨요",
        "party": "축하해요",
        "sad": "슬퍼요",
        "delete": "삭제",
        "profile": "내 프로필",
        "display_name": "표시 이름",
        "handle": "핸들",
        "handle_hint": "영문 소문자, 숫자, _ 2~20자",
        "handle_form": "핸들은 영문 소문자, 숫자, _ 2~20자로 지어 주세요.",
        "handle_taken": "다른 회원이 쓰고 있는 핸들입니다.",
        "optional": "선택",
        "save": "저장",
        "invite_hint": "친구는 자기만의 코드를 받아 바로 들어올 수 있어요.",
        "create_code": "코드 만들기",
    },
}
