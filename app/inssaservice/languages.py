"""Which language a visitor reads, and the texts that all releases share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

COOKIE: Final = "inssa-language"
LANGUAGES: Final = {"en": "English", "ko": "한국어"}
DEFAULT: Final = "en"

Texts = Mapping[str, str]

SHARED: Final[Mapping[str, Texts]] = {
    "en": {
        "title": "Inssa",
        "tagline": "For insiders only.",
        "welcome": "Good to see you.",
        "code": "Invitation code",
        "code_hint": "A member gave it to you. It is yours alone.",
        "sign_in": "Sign in",
        "sign_out": "Sign out",
        "feed": "Feed",
        "invite": "Invite a friend",
        "invitation_for": "Invitation for",
        "invitation_once": "This code is shown once. Pass it on now, we keep only a fingerprint of it.",
        "language": "Language",
        "wrong_code": "This invitation code is not valid.",
        "too_many_failures": "Too many wrong codes. Please wait five minutes and try again.",
        "stale_form": "This form is no longer valid. Please try again.",
        "text_empty": "Write something first.",
        "text_too_long": "A moment has at most 280 characters.",
        "text_control": "The text contains characters that cannot be shown.",
        "name_empty": "Please give a name.",
        "name_too_long": "A name has at most 40 characters.",
        "name_control": "The name contains characters that cannot be shown.",
        "no_such_moment": "This moment is gone.",
        "own_moment": "You cannot react to your own moment.",
        "not_found": "There is nothing here.",
        "failed": "Something went wrong on our side.",
        "unavailable": "We are busy right now. Please try again in a moment.",
        "not_valid": "The request is not valid.",
        "too_large": "This is too large.",
        "not_signed_in": "Please sign in first.",
        "not_possible": "This is not possible.",
        "back": "Back to the feed",
        "reference": "Reference",
    },
    "ko": {
        "title": "인싸",
        "tagline": "인싸들만의 공간.",
        "welcome": "반가워요.",
        "code": "초대 코드",
        "code_hint": "회원에게 받은 나만의 코드입니다.",
        "sign_in": "로그인",
        "sign_out": "로그아웃",
        "feed": "피드",
        "invite": "친구 초대",
        "invitation_for": "초대할 친구:",
        "invitation_once": "이 코드는 한 번만 보입니다. 지금 전해 주세요. 저희는 지문만 보관합니다.",
        "language": "언어",
        "wrong_code": "올바르지 않은 초대 코드입니다.",
        "too_many_failures": "잘못된 코드를 너무 많이 입력했습니다. 5분 뒤에 다시 시도해 주세요.",
        "stale_form": "만료된 양식입니다. 다시 시도해 주세요.",
        "text_empty": "내용을 먼저 입력해 주세요.",
        "text_too_long": "글은 280자까지 쓸 수 있습니다.",
        "text_control": "표시할 수 없는 문자가 들어 있습니다.",
        "name_empty": "이름을 입력해 주세요.",
        "name_too_long": "이름은 40자까지 쓸 수 있습니다.",
        "name_control": "이름에 표시할 수 없는 문자가 들어 있습니다.",
        "no_such_moment": "사라진 글입니다.",
        "own_moment": "내 글에는 반응할 수 없습니다.",
        "not_found": "여기에는 아무것도 없습니다.",
        "failed": "서버에 문제가 생겼습니다.",
        "unavailable": "지금은 요청이 많습니다. 잠시 뒤에 다시 시도해 주세요.",
        "not_valid": "올바르지 않은 요청입니다.",
        "too_large": "너무 큽니다.",
        "not_signed_in": "먼저 로그인해 주세요.",
        "not_possible": "할 수 없는 작업입니다.",
        "back": "피드로 돌아가기",
        "reference": "참조 번호",
    },
}


def texts(own: Mapping[str, Texts]) -> dict[str, dict[str, str]]:
    """Per language, the shared texts with a release line's own; ValueError when a language lacks one."""
    merged = {language: {**SHARED[language], **own[language]} for language in LANGUAGES}
    expected = merged[DEFAULT].keys()
    for language, found in merged.items():
        if difference := expected ^ found.keys():
            raise ValueError(f"texts of {language!r} differ from {DEFAULT!r} in {sorted(difference)}")
    return merged


def pick(request: Request) -> str:
    """The language the visitor chose, else the best of Accept-Language that we have, else English."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    best, best_quality = DEFAULT, 0.0
    for part in request.headers.get("accept-language", "")[:500].split(","):
        tag, _, parameter = part.partition(";")
        language = tag.strip().split("-")[0].lower()
        try:
            quality = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and quality > best_quality:
            best, best_quality = language, quality
    return best
