"""A dialog (RFC 3261 12): sipua's, with the identities kept as text."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import sipmessage
from sipua.dialog import Dialog, DialogLayer

from mikey.errors import LibraryError
from mikey.sip._message import ReceivedRequest, Reply, reply, split_values, tag_of

__all__ = ["ALLOW", "CallDialog"]

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS"


class CallDialog(Dialog):
    """The SIP side of one call.

    sipua writes the request URI of a later request from To in place of the Contact, and parses
    and rewrites tags and routes, which may change them; both are put right here.
    """

    on_request: Callable[[ReceivedRequest], Awaitable[None]] | None = None
    remote_text: str = ""
    local_text: str = ""
    remote_sequence: int = -1
    _routes: list[str]

    @classmethod
    def calling(cls, layer: DialogLayer, *, local: str, remote: str, target: str) -> CallDialog:
        """The dialog that an INVITE of ours will make; URIs without parameters, and the target."""
        dialog = cls.create_uac(
            dialog_layer=layer,
            local_address=sipmessage.Address(sipmessage.URI.parse(local)),
            remote_address=sipmessage.Address(sipmessage.URI.parse(remote)),
        )
        dialog.remote_uri = sipmessage.URI.parse(target)
        dialog.local_text = str(dialog.local_address)
        dialog.remote_text = str(dialog.remote_address)
        dialog._routes = []
        return dialog

    @classmethod
    def called(cls, layer: DialogLayer, request: ReceivedRequest) -> CallDialog:
        """The dialog that answering a received INVITE makes."""
        dialog = cls.create_uas(dialog_layer=layer, request=request)
        dialog.local_text = f"{request.headers['To']};tag={dialog.local_tag}"
        dialog.remote_text = request.headers["From"]
        dialog.remote_sequence = request.cseq.sequence
        dialog._routes = split_values(request.headers.getlist("Record-Route"))
        return dialog

    @property
    def local_tag(self) -> str:
        """Our tag."""
        return self.local_address.parameters.get("tag") or ""

    def established_by(self, response: sipmessage.Response) -> None:
        """Take the peer's tag, target and routes from a 2xx to our first INVITE (12.1.2)."""
        self.remote_text = response.headers["To"]
        self.remote_uri = response.contact[0].uri
        self._routes = split_values(response.headers.getlist("Record-Route"))[::-1]

    def refreshed_by(self, message: sipmessage.Message) -> None:
        """Take a new target from the Contact of a re-INVITE or its 2xx (12.2)."""
        if message.contact:
            self.remote_uri = message.contact[0].uri

    def create_request(self, method: str) -> sipmessage.Request:
        """A request within this dialog (12.2.1.1)."""
        request = super().create_request(method)
        request.uri = self.remote_uri
        request.headers.set("To", self.remote_text)
        request.headers.set("From", self.local_text)
        request.headers.remove("Route")
        if self._routes:
            request.headers.setlist("Route", list(self._routes))
        if method == "INVITE":
            request.headers.set("Allow", ALLOW)
        else:
            request.headers.remove("Contact")
        return request

    def reply(self, request: ReceivedRequest, status: int, phrase: str = "") -> Reply:
        """A response within this dialog, with our Contact where it is a target (12.1.1)."""
        response = reply(request, status, phrase, tag=self.local_tag)
        if request.method == "INVITE" and 100 < status < 300:
            response.contact = [_contact()]
            response.headers.set("Allow", ALLOW)
        return response

    def is_from_peer(self, request: ReceivedRequest) -> bool:
        """Whether the From tag is the peer's."""
        return tag_of(request.headers["From"]) == tag_of(self.remote_text)

    async def handle_request(self, request: sipmessage.Request) -> None:
        """Called by the dialog layer."""
        if self.on_request is None or not isinstance(request, ReceivedRequest):
            raise LibraryError("a dialog without a call")
        await self.on_request(request)

    def end(self) -> None:
        """Forget the dialog."""
        self._dialog_layer._dialogs.pop(self._key, None)


def _contact() -> sipmessage.Address:
    return sipmessage.Address(sipmessage.URI(scheme="sip", host="any"))
