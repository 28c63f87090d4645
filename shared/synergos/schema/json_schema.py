"""The JSON Schema of a type, in the form that errors are explained from and the documentation shows.

:func:`msgspec.json.schema` would say the same in other words: with references, which Swagger 2.0 resolves elsewhere,
with ``anyOf`` where a list of types will do, and with choices in alphabetical order.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.inspect import (
    AnyType,
    BoolType,
    CustomType,
    DataclassType,
    DateTimeType,
    DictType,
    EnumType,
    Field,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NamedTupleType,
    NoneType,
    StrType,
    StructType,
    TupleType,
    Type,
    TypedDictType,
    UnionType,
    VarTupleType,
)

Schema = dict[str, Any]


def json_schema(kind: type, rest: str | None = None) -> Schema:
    """The schema of a struct, dataclass or typed dictionary.

    Args:
        rest: the field whose entries lie beside the other fields.

    Raises:
        TypeError: a part of it has no form in JSON that this knows.
    """
    return _schema(msgspec.inspect.type_info(kind), rest)


def _schema(described: Type, rest: str | None = None) -> Schema:
    match described:
        case Metadata():
            return _schema(described.type) | (described.extra_json_schema or {})
        case StructType(array_like=True) | NamedTupleType():
            fewest = sum(each.required for each in described.fields)
            return _places([each.type for each in described.fields], fewest)
        case TupleType():
            return _places(described.item_types, len(described.item_types))
        case StructType() | DataclassType() | TypedDictType():
            return _object(described, rest)
        case UnionType():
            return _united([_schema(each) for each in described.types])
        case EnumType():
            return {"enum": [each.value for each in described.cls]}
        case LiteralType():
            return {"enum": list(described.values)}
        case ListType() | VarTupleType():
            bounds = _bounds(described, min_length="minItems", max_length="maxItems")
            return {"type": "array", **bounds, **_unless_any("items", described.item_type)}
        case DictType():
            return {"type": "object", **_entries(described)}
        case StrType():
            return {
                "type": "string",
                **_bounds(described, min_length="minLength", max_length="maxLength", pattern="pattern"),
            }
        case IntType() | FloatType():
            kind = "integer" if isinstance(described, IntType) else "number"
            limits = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
            return {"type": kind, **_bounds(described, **limits)}
        case BoolType():
            return {"type": "boolean"}
        case NoneType():
            return {"type": "null"}
        case DateTimeType():
            return {"type": "string", "format": "date-time"}
        case AnyType():
            return {}
        case CustomType() if described.cls is object:
            return {}
    raise TypeError(f"{described} has no JSON Schema here")


def _places(kinds: Iterable[Type], fewest: int) -> Schema:
    """A list that has something else in each place."""
    places = [_schema(each) for each in kinds]
    return {"type": "array", "minItems": fewest, "maxItems": len(places), "prefixItems": places}


def _object(described: StructType | DataclassType | TypedDictType, rest: str | None) -> Schema:
    fields = {field.encode_name: field for field in described.fields if field.encode_name != rest}
    schema: Schema = {"type": "object"}
    if text := _first_paragraph(described.cls):
        schema["description"] = text
    schema["properties"] = {name: _schema(field.type) | _default(field) for name, field in fields.items()}
    if rest is not None:
        schema |= _entries(next(field.type for field in described.fields if field.encode_name == rest))
    elif isinstance(described, StructType) and described.forbid_unknown_fields:
        schema["additionalProperties"] = False
    # OpenAPI allows no empty list of what is required.
    if required := [name for name, field in fields.items() if field.required]:
        schema["required"] = required
    return schema


def _entries(described: Type) -> Schema:
    """What a mapping's keys and values may be."""
    while isinstance(described, Metadata):
        described = described.type
    if not isinstance(described, DictType):
        raise TypeError(f"expected a mapping, got {described}")
    bounds = _bounds(described, min_length="minProperties", max_length="maxProperties")
    match described.key_type:
        case StrType(pattern=str(pattern)):
            return {
                **bounds,
                "patternProperties": {pattern: _schema(described.value_type)},
                "additionalProperties": False,
            }
        case EnumType(cls=cls):
            names = [each.value for each in cls]
            properties = {name: _schema(described.value_type) for name in names}
            return {**bounds, "propertyNames": {"enum": names}, "properties": properties}
    return {**bounds, **_unless_any("additionalProperties", described.value_type)}


def _united(options: Iterable[Schema]) -> Schema:
    """The schema of either: one list of types, as each other keyword speaks of one of them only.

    Raises:
        TypeError: two options would speak of the same.
    """
    types: list[str] = []
    united: Schema = {}
    for option in options:
        said = {name: value for name, value in option.items() if name != "type"}
        if united.keys() & said.keys():
            raise TypeError("a union of two types with the same keywords has no JSON Schema here")
        united |= said
        types += [option["type"]] if isinstance(option.get("type"), str) else option.get("type", [])
    if "enum" in united:
        return united | {"enum": [*united["enum"], *([None] if "null" in types else [])]}
    # An integer is a number.
    types = [each for each in types if each != "integer" or "number" not in types]
    return {"type": types[0] if len(types) == 1 else types, **united}


def _bounds(described: Type, **names: str) -> Schema:
    found: Mapping[str, object] = {keyword: getattr(described, attribute) for attribute, keyword in names.items()}
    return {keyword: value for keyword, value in found.items() if value is not None}


def _unless_any(keyword: str, described: Type) -> Schema:
    schema = _schema(described)
    return {keyword: schema} if schema else {}


def _default(field: Field) -> Schema:
    # A field that may be missing has null for that; whether it may be said, its type tells.
    if field.default in (msgspec.NODEFAULT, None):
        return {}
    return {"default": msgspec.to_builtins(field.default)}


def _first_paragraph(cls: type) -> str:
    text = cls.__dict__.get("__doc__") or ""
    if text.startswith(f"{cls.__name__}("):
        return ""
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())
