"""The texts of 1.x in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "tagline": "For insiders only.",
        "welcome": "Good to see you.",
        "code": "Invitation code",
        "code_hint": "A member gave it to you. It is yours alone.",
        "sign_in": "Sign in",
        "sign_out": "Sign out",
        "feed": "Feed",
        "new_moment": "Your moment",
        "new_moment_hint": "What is happening? Up to 280 characters.",
        "post": "Post",
        "no_moments": "Nothing here yet. Yours can be the first.",
        "thumbs_up": "Thumbs-up",
        "given": "given by you",
        "delete": "Delete",
        "invite": "Invite a friend",
        "invite_hint": "They get a code of their own and join at once.",
        "name": "Name",
        "create_code": "Create a code",
        "invitation_for": "Invitation for",
        "invitation_once": "This code is shown once. Pass it on now, we keep only a fingerprint of it.",
        "date": "%-d %b, %H:%M UTC",
    },
    "ko": {
        "tagline": "인싸들만의 공간.",
        "welcome": "반가워요.",
        "code": "초대 코드",
        "code_hint": "회원에게 받은 나만의 코드입니다.",
        "sign_in": "로그인",
        "sign_out": "로그아웃",
        "feed": "피드",
        "new_moment": "나의 순간",
        "new_moment_hint": "무슨 일이 있나요? 280자까지 쓸 수 있어요.",
        "post": "올리기",
        "no_moments": "아직 글이 없어요. 첫 글의 주인공이 되어 보세요.",
        "thumbs_up": "좋아요",
        "given": "내가 누름",
        "delete": "삭제",
        "invite": "친구 초대",
        "invite_hint": "친구는 자기만의 코드를 받아 바로 들어올 수 있어요.",
        "name": "이름",
        "create_code": "코드 만들기",
        "invitation_for": "초대할 친구:",
        "invitation_once": "이 코드는 한 번만 보입니다. 지금 전해 주세요. 저희는 지문만 보관합니다.",
        "date": "%-m월 %-d일 %H:%M UTC",
    },
}
