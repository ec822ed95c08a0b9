"""One JSON object per message (docs/inspect.md has the schema)."""

from __future__ import annotations

import json
from typing import Any

from mikey.cli.inspect.certificates import CertificateFacts
from mikey.cli.inspect.derived import Keys
from mikey.cli.inspect.explain import explanation
from mikey.cli.inspect.fields import Field
from mikey.cli.inspect.payloads import Described
from mikey.cli.inspect.report import Report
from mikey.secret import Secret
from mikey.srtp import MasterKey
from mikey.wire import KeyData, KvInterval, KvSpi


def line(report: Report, *, show_keys: bool, explain: bool) -> str:
    """Return a report as one line of JSON, ASCII only."""
    error = report.error
    described: dict[str, Any] = {
        "where": report.where,
        "header": None if report.header is None else _payload(report.header, show_keys, explain),
        "payloads": [_payload(payload, show_keys, explain) for payload in report.payloads],
        "error": None if error is None else {"offset": error.offset, "reason": error.reason},
        "verified": report.verified,
        "warnings": _warnings(report),
    }
    if show_keys:
        described["keys"] = None if report.keys is None else _keys(report.keys)
    return json.dumps(described)


def _warnings(report: Report) -> list[str]:
    if not report.reason:
        return list(report.warnings)
    verdict = "not verified" if report.verified is None else f"the {report.proof} is wrong"
    return [f"{verdict}: {report.reason}", *report.warnings]


def _payload(payload: Described, show_keys: bool, explain: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": payload.name,
        "offset": payload.offset,
        "length": payload.length,
        "fields": [_field(field, show_keys) for field in payload.fields],
    }
    if payload.plaintext:
        described["plaintext"] = [_field(field, show_keys) for field in payload.plaintext]
    if payload.certificate is not None:
        described["certificate"] = _certificate(payload.certificate)
    words = explanation(payload.kind) if explain else None
    if words is not None:
        described["explanation"] = {
            "section": words.section,
            "words": words.words,
            "quote": words.quote,
        }
    return described


def _certificate(seen: CertificateFacts) -> dict[str, Any]:
    return {
        "subject": seen.subject,
        "issuer": seen.issuer,
        "names": list(seen.names),
        "not_before": seen.not_before.isoformat(),
        "not_after": seen.not_after.isoformat(),
        "key": seen.key,
    }


def _field(field: Field, show_keys: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": field.name,
        "offset": field.offset,
        "length": field.length,
    }
    if field.mask is not None:
        described["mask"] = field.mask
    if isinstance(field.value, Secret):
        described["value"] = field.value.expose().hex() if show_keys else None
        described["masked"] = not show_keys
    elif isinstance(field.value, bytes):
        described["value"] = field.value.hex()
    elif field.value is not None:
        described["value"] = field.value
    if field.meaning:
        described["meaning"] = field.meaning
    if field.fields:
        described["fields"] = [_field(part, show_keys) for part in field.fields]
    return described


def _keys(keys: Keys) -> dict[str, Any]:
    return {
        "key_data": [_key_data(key) for key in keys.key_data],
        "crypto_sessions": [
            {
                "cs_id": session.cs_id,
                "ssrc": f"{session.ssrc:08x}",
                "policy": session.policy,
                "masters": [_master(master) for master in session.masters],
            }
            for session in keys.sessions
        ],
    }


def _key_data(key: KeyData) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": key.key_type.label,
        "key": key.key.expose().hex(),
        "salt": None if key.salt is None else key.salt.expose().hex(),
    }
    if isinstance(key.validity, KvSpi):
        described["spi"] = key.validity.spi.hex()
    elif isinstance(key.validity, KvInterval):
        described["valid_from"] = key.validity.valid_from.hex()
        described["valid_to"] = key.validity.valid_to.hex()
    return described


def _master(master: MasterKey) -> dict[str, Any]:
    return {
        "key": master.key.expose().hex(),
        "salt": master.salt.expose().hex(),
        "mki": master.mki.hex(),
    }
