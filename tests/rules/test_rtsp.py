"""RFC 4567 4.2 in RTSP 1.0 and RFC 7826 C.1.4.1 in RTSP 2.0, both ends and the text between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mikey import (
    Bundle,
    CacheType,
    Clock,
    Context,
    Initiator,
    Method,
    NoKey,
    PeerError,
    Responder,
    Stream,
    drive,
)  # fmt: skip
from mikey.carriage import rtsp
from mikey.carriage.rtsp import Framer, Headers, KeyMgmt, Presentation, Request, Response, Transport
from mikey.carriage.sdp import Description, Sender
from mikey.errors import CarriageError
from mikey.registry import ExtensionType
from mikey.wire import GeneralExtension, Message
from tests.rules import method_parties as methods
from tests.rules import psk_parties as p
from tests.unit.carriage.rtsp_texts import b64, sdp
from tests.unit.wire.samples import vector

BASE = "rtsp://movie.example.com/action"
AUDIO, VIDEO = BASE + "/stream=0", BASE + "/stream=1"
SERVER, CLIENT = p.ALICE, p.BOB


def over_the_wire(message: Request | Response) -> Request | Response:
    """Return the message as the other end reads it."""
    framer = Framer()
    (item,) = framer.feed(message.encode())
    framer.finish()
    assert isinstance(item, Request | Response)
    return item


def describe_answer(text: str) -> Response:
    headers = Headers({"CSeq": "2", "Content-Base": BASE + "/"})
    answer = over_the_wire(Response(200, headers=headers, body=text.encode()))
    assert isinstance(answer, Response)
    return answer


def setup(uri: str, specs: tuple[KeyMgmt, ...]) -> Request:
    headers = Headers([("CSeq", "3"), ("Transport", "RTP/SAVP;unicast;client_port=4588-4589")])
    for spec in specs:
        headers = headers.and_field("KeyMgmt", spec.encode())
    request = over_the_wire(Request("SETUP", uri, headers=headers))
    assert isinstance(request, Request)
    return request


class Server:
    """The MIKEY Initiator: its messages stand in the SDP."""

    def __init__(self, media_levels: tuple[int, ...] = (), *, control: str = "*") -> None:
        self.alice = p.alice()
        text = sdp(None, None, control=control)
        streams = {0: Stream(0xA0D10, roc=4), 1: Stream(0x71DE0)}
        offered = Description(text).offer(self.alice, streams, media_levels=media_levels)
        self.text = offered.text
        self.presentation = Presentation(self.text, BASE)
        self.bundles: dict[int | None, Bundle] = {}

    def setup(self, request: Request, index: int, *, aggregated: bool, first: bool) -> None:
        expected = rtsp.levels_in_setup(
            self.presentation, index, aggregated=aggregated, first=first
        )
        for level, octets in rtsp.take_key_mgmt(request, self.presentation, expected).items():
            if level not in self.bundles:
                self.bundles[level] = drive(self.alice.receive(octets))


class Client:
    """The MIKEY Responder: it answers in SETUP."""

    def __init__(self, text: str, context: Context | None = None) -> None:
        answer = describe_answer(text)
        self.presentation = Presentation.of(answer, BASE, context=context)
        self.answers: dict[int | None, bytes] = {}
        self.bundles: dict[int | None, Bundle] = {}
        bob = p.bob()
        for carried in self.presentation.messages():
            offer = drive(bob.receive(carried.octets, context=carried.context))
            octets, bundle = offer.accept({n: 0xC11E0 + n for n in range(2, 5, 2)
                                           if n <= len(offer.streams)})  # fmt: skip
            assert octets is not None
            self.answers[carried.media], self.bundles[carried.media] = octets, bundle

    def setup(self, index: int, *, aggregated: bool, first: bool) -> Request:
        levels = rtsp.levels_in_setup(self.presentation, index, aggregated=aggregated, first=first)
        specs = rtsp.key_mgmt_for(
            self.presentation, {level: self.answers[level] for level in levels}
        )
        return setup(self.presentation.tracks[index].control, specs)


def same(server: Server, client: Client) -> None:
    assert server.bundles.keys() == client.bundles.keys()
    for level, bundle in server.bundles.items():
        ours, theirs = bundle.crypto_sessions, client.bundles[level].crypto_sessions
        assert [s.fingerprint for s in ours] == [s.fingerprint for s in theirs]


@pytest.mark.rule("R4567-4.2-1", "R4567-4.2-2", "R4567-3.2-3", "R4567-3.2-6")
def test_a_session_level_key_is_answered_in_the_first_setup() -> None:
    server = Server()
    client = Client(server.text)
    first = client.setup(0, aggregated=True, first=True)
    (spec,) = rtsp.parse_key_mgmt(first.headers.all("KeyMgmt"))
    assert spec.uri == client.presentation.control == BASE + "/"
    server.setup(first, 0, aggregated=True, first=True)
    later = client.setup(1, aggregated=True, first=False)
    assert "KeyMgmt" not in later.headers
    server.setup(later, 1, aggregated=True, first=False)
    same(server, client)


@pytest.mark.rule("R4567-4.2-2")
def test_without_aggregation_each_setup_carries_the_same_answer() -> None:
    server = Server()
    client = Client(server.text)
    requests = [client.setup(n, aggregated=False, first=True) for n in (0, 1)]
    assert requests[0].headers["KeyMgmt"] == requests[1].headers["KeyMgmt"]
    for index, request in enumerate(requests):
        server.setup(request, index, aggregated=False, first=True)
    same(server, client)


@pytest.mark.rule("R4567-4.2-3", "R4567-4.2-4")
@pytest.mark.parametrize("control", ["*", ""])
def test_a_media_level_key_is_answered_in_the_setup_of_its_stream(control: str) -> None:
    server = Server((0, 1), control=control)
    client = Client(server.text)
    for index, uri in enumerate((AUDIO, VIDEO)):
        request = client.setup(index, aggregated=bool(control), first=not index)
        (spec,) = rtsp.parse_key_mgmt(request.headers.all("KeyMgmt"))
        assert spec.uri == uri
        bare = setup(uri, (replace(spec, uri=""),))  # the URI of the request says it too
        server.setup(bare if index else request, index, aggregated=False, first=not index)
    same(server, client)


@pytest.mark.rule("R4567-4.2-5")
@pytest.mark.parametrize("index", [0, 1])
def test_an_expected_key_that_is_missing_is_403(index: int) -> None:
    server = Server((0, 1))
    uri = (AUDIO, VIDEO)[index]
    with pytest.raises(CarriageError) as caught:
        server.setup(setup(uri, ()), index, aggregated=True, first=True)
    assert rtsp.refuse(caught.value, setup(uri, ())).status == 403


@pytest.mark.rule("R4567-3.2-3")
def test_a_uri_of_nothing() -> None:
    server = Server()
    client = Client(server.text)
    spec = KeyMgmt("mikey", "rtsp://elsewhere/", client.answers[None])
    with pytest.raises(CarriageError) as caught:
        server.setup(setup(AUDIO, (spec,)), 0, aggregated=True, first=True)
    assert caught.value.status == 463
    twice = (replace(spec, uri=BASE), replace(spec, uri=BASE + "/"))
    with pytest.raises(CarriageError, match="two MIKEY messages"):
        server.setup(setup(AUDIO, twice), 0, aggregated=True, first=True)


@pytest.mark.rule("R4567-4.2-5", "R4567-3.2-5")
def test_what_fails_is_463_and_may_say_why() -> None:
    server = Server()
    client = Client(server.text)
    wrong = bytearray(client.answers[None])
    wrong[-1] ^= 1
    request = setup(AUDIO, (KeyMgmt("mikey", BASE, bytes(wrong)),))
    with pytest.raises(PeerError) as caught:
        server.setup(request, 0, aggregated=True, first=True)
    error = b"\1\6"
    answer = over_the_wire(rtsp.refuse(caught.value, request, mikey=error, uri=BASE))
    assert isinstance(answer, Response)
    assert (answer.status, answer.reason) == (463, "Key management failure")
    assert answer.cseq == 3
    assert rtsp.parse_key_mgmt(answer.headers.all("keymgmt")) == (KeyMgmt("mikey", BASE, error),)
    assert rtsp.is_key_failure(answer)
    server.setup(client.setup(0, aggregated=True, first=True), 0, aggregated=True, first=True)
    same(server, client)


@pytest.mark.rule("R4567-4.2-7")
def test_the_server_sends_the_odd_streams() -> None:
    server = Server()
    client = Client(server.text)
    server.setup(client.setup(0, aggregated=True, first=True), 0, aggregated=True, first=True)
    sessions = client.bundles[None].crypto_sessions
    assert [(s.ssrc, s.roc) for s in sessions] == [
        (0xA0D10, 4), (0xC11E2, 0), (0x71DE0, 0), (0xC11E4, 0),
    ]  # fmt: skip
    slots = client.presentation.description.slots(4)
    senders = [slot.sender for slot in slots]
    assert senders == [Sender.INITIATOR, Sender.RESPONDER] * 2
    sender = server.bundles[None].srtp_sender(1)
    receiver = client.bundles[None].srtp_receiver(1)
    rtp = bytes.fromhex("8060000100000000000A0D10") + b"payload"
    assert receiver.unprotect(sender.protect(rtp)) == rtp
    answer = client.bundles[None].srtp_sender(2)
    report = bytes.fromhex("80c90001000c11e2")
    assert server.bundles[None].srtp_receiver(2).unprotect_rtcp(answer.protect_rtcp(report)) == (
        report
    )


@pytest.mark.rule("R4567-4.2-8")
def test_the_list_of_protocols() -> None:
    """Sent where something protects it; its absence is accepted, another list is not."""
    server = Server()
    (carried,) = Presentation(server.text, BASE).messages()
    (extension,) = Message.parse(carried.octets).all(GeneralExtension)
    assert (extension.ext_type, extension.data) == (ExtensionType.SDP_IDS, b"mikey")

    null = Initiator(NoKey(SERVER, CLIENT), clock=Clock(p.Time()))
    offered = Description(sdp(None), context=Context(secure=True)).offer(null, {0: 5})
    presentation = Presentation(offered.text, BASE, context=Context(secure=True))
    (carried,) = presentation.messages()
    assert not Message.parse(carried.octets).all(GeneralExtension)
    bob = Responder([NoKey(CLIENT, SERVER)], clock=Clock(p.Time()))
    assert drive(bob.receive(carried.octets, context=carried.context)).streams

    for sdp_ids, allowed in ((None, True), (b"mikey", True), (b"mikey;kink", False)):
        octets = p.offer(sdp_ids=sdp_ids, cs=[(0, 5, 0)])
        (carried,) = Presentation(sdp(octets), BASE).messages()
        if allowed:
            assert drive(p.bob().receive(carried.octets, context=carried.context)).streams
        else:
            with pytest.raises(PeerError, match="protocols"):
                p.bob().receive(carried.octets, context=carried.context)


# RTSP 2.0

TLS = Context(secure=True)


def rtsp2(transport: str, method: str = "SETUP") -> Request:
    headers = Headers({"CSeq": "3", "Transport": transport})
    request = over_the_wire(Request(method, AUDIO, headers=headers, version="RTSP/2.0"))
    assert isinstance(request, Request)
    return request


@pytest.mark.rule("R7826-C.1.4.1-1")
def test_rsa_r_in_the_transport_of_rtsp_2() -> None:
    clock = Clock(p.Time())
    client = Initiator(methods.certified(SERVER, CLIENT), method=Method.RSA_R, clock=clock)
    first = client.start([Stream(), Stream()], context=TLS)
    asked = Transport(profile="RTP/SAVP", dest_addr=(":8000", ":8001"), mikey=first)
    plain = Transport(profile="RTP/SAVP", dest_addr=(":8000", ":8001"))
    request = rtsp2(f"{plain.encode()},{asked.encode()}")
    (usable,) = rtsp.take_transport(request)
    assert usable == asked
    assert usable.mikey is not None

    server = Responder(
        [methods.certified(CLIENT, SERVER)], clock=Clock(p.Time()), cache=CacheType.CACHE
    )
    offer = drive(server.receive(usable.mikey, context=TLS))
    octets, theirs = offer.accept({1: 0x93CB001E})
    chosen = replace(usable, src_addr=("198.51.100.5:9000",), ssrc=(0x93CB001E,), mikey=octets)
    answer = over_the_wire(
        Response(
            200,
            headers=Headers({"CSeq": "3", "Transport": chosen.encode()}),
            version="RTSP/2.0",
        )
    )
    (got,) = rtsp.parse_transport(answer.headers["Transport"])
    assert got.mikey is not None
    ours = drive(client.receive(got.mikey, context=TLS))
    assert ours.keys == theirs.keys
    assert ours.message_key == theirs.message_key


@pytest.mark.rule("R7826-C.1.4.1-1")
def test_srtp_without_mikey_is_403_in_rtsp_2() -> None:
    with pytest.raises(CarriageError) as caught:
        rtsp.take_transport(rtsp2("RTP/SAVP;unicast,RTP/SAVPF/TCP;unicast"))
    assert caught.value.status == 403
    assert rtsp.refuse(caught.value, rtsp2("RTP/SAVP;unicast")).status == 403
    assert rtsp.take_transport(rtsp2("RTP/SAVP;unicast,RTP/AVP;unicast"))[0].profile == "RTP/AVP"
    with pytest.raises(CarriageError):
        rtsp.take_transport(Request("SETUP", AUDIO, version="RTSP/2.0"))


@pytest.mark.rule("R7826-C.1.4.1-1", "R4567-3.2-5")
def test_466_is_the_failure_of_rtsp_2_and_463_another() -> None:
    request = rtsp2("RTP/SAVP;unicast;MIKEY=AQEB")
    error = PeerError("no")
    answer = over_the_wire(rtsp.refuse(error, request, mikey=b"\1\6"))
    assert isinstance(answer, Response)
    assert (answer.status, answer.reason, answer.version) == (
        466, "Key Management Error", "RTSP/2.0",
    )  # fmt: skip
    (transport,) = rtsp.parse_transport(answer.headers["Transport"])
    assert transport.mikey == b"\1\6"
    assert "KeyMgmt" not in answer.headers
    assert rtsp.is_key_failure(answer)
    prohibited = Response(463, version="RTSP/2.0")
    assert not rtsp.is_key_failure(prohibited)
    assert not rtsp.is_key_failure(Response(466))
    with pytest.raises(CarriageError) as caught:
        rtsp.take_transport(rtsp2("RTP/SAVP;unicast;MIKEY=?"))
    assert rtsp.refusal_status(caught.value, "RTSP/2.0") == 466


@pytest.mark.rule("R4567-3.2-2", "R4567-3.2-3")
def test_the_example_of_rfc_4567() -> None:
    """5.3, with the messages that the RFC has in full elsewhere."""
    offer, response = vector("rfc4567-offer"), vector("rfc4567-answer")
    text = f"""v=0
o=actionmovie 2891092738 2891092738 IN IP4 movie.example.com
s=Action Movie
e=action@movie.example.com
t=0 0
c=IN IP4 movie.example.com
a=control:rtsp://movie.example.com/action
a=key-mgmt:mikey {b64(offer)}
m=audio 0 RTP/SAVP 98
a=rtpmap:98 AMR/8000
a=control:rtsp://movie.example.com/action/audio
m=video 0 RTP/SAVP 31
a=rtpmap:31 H261/90000
a=control:rtsp://movie.example.com/action/video
"""
    presentation = Presentation.of(
        Response(200, body=text.encode()), "rtsp://server.example.com/fizzle/foo"
    )
    (carried,) = presentation.messages()
    assert carried.octets == offer
    assert (carried.context.place, carried.context.lines) == (BASE, 2)
    answer = b64(response)
    (request,) = Framer().feed(
        b"SETUP rtsp://movie.example.com/action/audio RTSP/1.0\r\nCSeq: 313\r\n"
        b"Transport: RTP/SAVP/UDP;unicast;client_port=3056-3057\r\n"
        b'keymgmt: prot=mikey; uri="rtsp://movie.example.com/action";\r\n'
        b'         data="' + answer.encode() + b'"\r\n\r\n'
    )
    assert isinstance(request, Request)
    expected = rtsp.levels_in_setup(presentation, 0, aggregated=True, first=True)
    assert expected == (None,)
    taken = rtsp.take_key_mgmt(request, presentation, expected)
    assert taken == {None: response}
    (transport,) = rtsp.parse_transport(request.headers["Transport"])
    assert (transport.profile, transport.lower) == ("RTP/SAVP", "UDP")
    assert not rtsp.levels_in_setup(presentation, 1, aggregated=True, first=False)
