"""Objects that are nothing but their settings: immutable, compared, pickled, shown and fingerprinted by them."""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class Configured:
    """What `Objective` and `SentencePairs` have in common.

    Attributes:
        settings: all arguments with which ``type(self)(None, **settings)`` makes an equal object.

    """

    settings: Mapping[str, Any]
    # What the fingerprint calls the kind of object.
    _kind: ClassVar[str]

    def __init__(self, settings: dict[str, Any], **attributes: Any) -> None:
        # Every setting is an attribute too, but for one that has the name of a method; writing past __setattr__, which
        # refuses.
        shown = {name: value for name, value in settings.items() if not hasattr(type(self), name)}
        self.__dict__.update(shown, settings=MappingProxyType(settings), **attributes)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the name and the settings, as hexadecimal digits: equal for equal objects on any machine."""
        content = json.dumps(_content(self), sort_keys=True, separators=(",", ":"), default=_content)
        return hashlib.sha256(content.encode()).hexdigest()

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: make a new one with {name}={value!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return isinstance(other, Configured) and dict(self.settings) == dict(other.settings)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        return remake, (type(self), None, dict(self.settings))

    def __repr__(self) -> str:
        shown = (f"{name}={_short(value)}" for name, value in self.settings.items() if value not in (None, ()))
        return f"{type(self).__name__}({', '.join(shown)})"


def remake(configured: Any, tok: Any, settings: dict[str, Any]) -> Any:
    """Make a configured object of its class and settings: what pickle calls."""
    return configured(tok, **settings)


def _content(configured: Configured) -> dict[str, Any]:
    return {configured._kind: type(configured).__name__, **configured.settings}


def _short(value: Any) -> str:
    if isinstance(value, tuple) and len(value) > 4:
        return f"({value[0]}, {value[1]}, ... {len(value)} in all)"
    return repr(value)
