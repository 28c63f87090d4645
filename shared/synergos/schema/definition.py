"""A shape that crosses an edge, defined once: read into its type, refused with a reason, shown as a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Generic, TypeVar

import msgspec

from synergos.errors import InvalidRequest
from synergos.schema.json_schema import Schema, json_schema

T = TypeVar("T")

_LARGEST_EXPLAINED = 2**16
"""Bytes of JSON above which errors are in msgspec's words: others take all of it as Python's objects."""


class Definition(Generic[T]):
    """What values of one shape look like, made from the type that holds them.

    Reading is strict: ``true`` is no number, ``2.0`` no integer, ``"2"`` neither. Keys that the type does not have are
    passed over, unless it forbids them (``forbid_unknown_fields``) or has a field for the rest of them.

    Attributes:
        ignored: keys that are known and mean nothing here, each with the reason; they may hold anything.

    Args:
        kind: a frozen :class:`msgspec.Struct` or a frozen dataclass.
        name: what the documentation calls it; the name of ``kind`` unless given.
        rest: the field of ``kind``, a mapping, that takes the keys which are no fields; in JSON they lie beside these.
        quotes: whether an error may repeat what it refuses; what comes from a participant must not be repeated.
        ignored: see the attribute.
    """

    def __init__(
        self,
        kind: type[T],
        name: str | None = None,
        *,
        rest: str | None = None,
        quotes: bool = True,
        ignored: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name = name or kind.__name__
        self._kind = kind
        self._rest = rest
        self.quotes = quotes
        self.ignored = ignored
        self._own = frozenset(field.encode_name for field in _fields(kind)) - {rest}

    @cached_property
    def json_schema(self) -> Schema:
        """As JSON Schema (2020-12), without references; not to be changed."""
        schema = json_schema(self._kind, self._rest)
        ignored = {name: {"description": f"known and without effect: {why}"} for name, why in self.ignored.items()}
        return schema | {"properties": schema["properties"] | ignored}

    def read(self, value: object, *, at: str = "") -> T:
        """A value of JSON (dicts, lists, texts, numbers) as the type that holds it.

        Args:
            at: where the value itself stands, for errors.

        Raises:
            InvalidRequest: the first field that does not fit, and what was expected.
        """
        try:
            return msgspec.convert(self._gathered(value), self._kind)
        except msgspec.ValidationError as error:
            raise self._refusal(value, error, at) from None
        except UnicodeEncodeError:
            # JSON can write one as an escape, and Python keeps it as it is.
            raise InvalidRequest("expected text without half a surrogate pair", at or None) from None

    def decode(self, content: bytes | memoryview) -> T:
        """A value of JSON as text; what the type has no place for is passed over, and never in memory.

        Only for types that take no keys beside their fields.

        Raises:
            InvalidRequest: it is no JSON; or the first field that does not fit, and what was expected.
        """
        try:
            return self._decoder.decode(content)
        except msgspec.ValidationError as error:
            raise self._refusal_of_text(content, error) from None
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise InvalidRequest("expected JSON") from None

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[T]:
        if self._rest is not None or self.ignored:
            raise TypeError(f"{self.name} is read from JSON that has been decoded")
        return msgspec.json.Decoder(self._kind)

    def known(self, value: Mapping[str, object]) -> dict[str, object]:
        """Those entries of a mapping that values of this shape can have; all of them where it forbids none."""
        if self._rest is not None or self.json_schema.get("additionalProperties") is not False:
            return dict(value)
        return {name: item for name, item in value.items() if name in self._own}

    def check_names(self, value: Mapping[str, object]) -> None:
        """Refuse keys that values of this shape cannot have; what they hold is not looked at, nor what is missing.

        Raises:
            UnknownName: names the first one, and what was probably meant.
        """
        strange = value.keys() - self.known(value).keys() - self.ignored.keys()
        if strange:
            self.read({name: item for name, item in value.items() if name in strange})

    def write(self, value: T) -> dict[str, object]:
        """A value as JSON has it; fields that are unset are left out."""
        built = msgspec.to_builtins(value, enc_hook=_number)
        beside = {} if self._rest is None else built.pop(self._rest)
        written: dict[str, object] = built | beside
        return written

    def _gathered(self, value: object) -> object:
        """The value with the keys that are no fields under the one field that takes them, and without those that mean nothing."""
        if not isinstance(value, Mapping):
            return value
        if self.ignored:
            value = {name: item for name, item in value.items() if name not in self.ignored}
        if self._rest is None:
            return value
        own = {name: item for name, item in value.items() if name in self._own}
        return own | {self._rest: {name: item for name, item in value.items() if name not in self._own}}

    def _refusal_of_text(self, content: bytes | memoryview, error: msgspec.ValidationError) -> InvalidRequest:
        if len(content) > _LARGEST_EXPLAINED:
            return _untranslated(error, "")
        try:
            return self._refusal(msgspec.json.decode(content), error, "")
        except (msgspec.DecodeError, ValueError, RecursionError):
            return _untranslated(error, "")

    def _refusal(self, value: object, error: msgspec.ValidationError, at: str) -> InvalidRequest:
        # Only now: jsonschema takes longer to import than everything else of this package together.
        from synergos.schema.explanation import explain

        found = explain(self.json_schema, value, quotes=self.quotes, at=at)
        return found or _untranslated(error, at)


def _number(value: object) -> float:
    """A number of numpy's as one of Python's."""
    if isinstance(value, float):
        return float(value)
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


def _fields(kind: type) -> tuple[msgspec.inspect.Field, ...]:
    described = msgspec.inspect.type_info(kind)
    if not isinstance(described, msgspec.inspect.StructType | msgspec.inspect.DataclassType):
        raise TypeError(f"expected a struct or a dataclass, got {kind}")
    return described.fields


def _untranslated(error: msgspec.ValidationError, at: str) -> InvalidRequest:
    """What JSON Schema has no word for, such as a number beyond all floats; msgspec's texts repeat no value."""
    text, _, place = str(error).partition(" - at `$")
    return InvalidRequest(text[:1].lower() + text[1:], ".".join(filter(None, (at, place.strip("`.")))) or None)
