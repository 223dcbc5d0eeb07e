"""Values as the tests exchange them: plain JSON where JSON has the type, one tag where it has not."""

import base64
import datetime as dt
import decimal
import math
import uuid

UTC = dt.timezone.utc


class Json:
    """Arbitrary JSON, as opposed to a record."""

    def __init__(self, value):
        self.value = value


def tagged(v):
    """A Python value as JSON with tags."""
    if v is None or isinstance(v, (bool, int, float, str)):
        return v
    if isinstance(v, Json):
        return {"$json": v.value}
    if isinstance(v, decimal.Decimal):
        return {"$decimal": format(v, "f")}
    if isinstance(v, dt.datetime):
        moment = v if v.tzinfo else v.replace(tzinfo=UTC)
        return {"$timestamp": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").zfill(27)}
    if isinstance(v, dt.date):
        return {"$date": v.isoformat()}
    if isinstance(v, dt.time):
        text = v.isoformat()
        return text.rstrip("0") if "." in text else text
    if isinstance(v, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(v).decode()}
    if isinstance(v, uuid.UUID):
        return {"$uuid": str(v)}
    if isinstance(v, (list, tuple)):
        return [tagged(item) for item in v]
    if isinstance(v, dict):
        return {"$record": {name: tagged(item) for name, item in v.items() if item is not None}}
    raise TypeError(f"{type(v)}: {v!r}")


def untagged(v):
    """JSON with tags as a Python value."""
    if isinstance(v, list):
        return [untagged(item) for item in v]
    if not isinstance(v, dict):
        return v
    (tag, inner), = v.items()
    if tag == "$decimal":
        return decimal.Decimal(inner)
    if tag == "$timestamp":
        return dt.datetime.fromisoformat(inner.replace("Z", "+00:00"))
    if tag == "$date":
        return dt.date.fromisoformat(inner)
    if tag == "$bytes":
        return base64.b64decode(inner)
    if tag == "$uuid":
        return uuid.UUID(inner)
    if tag == "$json":
        return Json(inner)
    if tag == "$vector":
        return inner
    if tag == "$record":
        return {name: untagged(item) for name, item in inner.items()}
    raise ValueError(tag)


def plain(v):
    """What a reader gave, with the dress of its library taken off."""
    if v is None:
        return None
    module = type(v).__module__.split(".")[0]
    if module == "numpy":
        if type(v).__name__ == "ndarray":
            return [plain(item) for item in v.tolist()]
        if type(v).__name__ == "datetime64":
            return None if str(v) == "NaT" else v.astype("datetime64[us]").item()
        return plain(v.item())
    if module == "pandas":
        if type(v).__name__ == "Timestamp":
            return v.to_pydatetime()
        return None
    if isinstance(v, float) and math.isnan(v):
        return None
    if isinstance(v, (list, tuple)):
        return [plain(item) for item in v]
    if isinstance(v, dict):
        return {name: plain(item) for name, item in v.items() if plain(item) is not None}
    return v
