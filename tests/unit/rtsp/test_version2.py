"""RTSP 2.0: RSA-R in the Transport of SETUP, between our client and our server over TLS."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mikey import rtsp
from mikey.carriage.rtsp import Headers, Transport, parse_transport
from mikey.credentials import Certified, Psk, SoftwareKey, Trust
from mikey.errors import LocalError, PeerError
from mikey.policy import KeyFlow, Policy, SrtpPolicy
from mikey.registry import CacheType, CertType, DataType
from mikey.rtsp._keys import Keyring
from mikey.secret import Secret
from mikey.session import Bundle, Initiator, Method, Stream
from mikey.wire import Cert, Message, Pke, Sp
from tests.asynchronous import asynchronous
from tests.naive import pki
from tests.rtsp_media import received
from tests.unit.rtsp.test_flows import counting

CAMERA, VIEWER = "rtsps://localhost/camera", "sip:viewer@example.com"
NAMES: list[x509.GeneralName] = [
    x509.UniformResourceIdentifier(CAMERA),
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
]


@dataclass(frozen=True)
class Parties:
    """The camera, whose certificate serves TLS and MIKEY, and somebody who watches."""

    server: rtsp.ServerOptions
    server_tls: rtsp.ServerTls
    tls: rtsp.Tls
    settings: rtsp.Settings


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    root, key = pki.root(), pki.key(CAMERA)
    der = pki.issue("camera", key.public_key(), root, root.key, names=NAMES)
    folder = tmp_path_factory.mktemp("camera")
    files = [folder / name for name in ("root.pem", "camera.pem", "camera.key")]
    for path, octets in zip(files, (root.der, der), strict=False):
        path.write_bytes(x509.load_der_x509_certificate(octets).public_bytes(Encoding.PEM))
    files[2].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    camera = Certified(key=SoftwareKey(key), chain=(der,), identity=CAMERA, trust=trust())
    return Parties(
        rtsp.ServerOptions(credential=camera),
        rtsp.ServerTls(files[1], files[2]),
        rtsp.Tls(ca=files[0]),
        rtsp.Settings(credential=viewer(), timeout=5.0, report_interval=0.1),
    )


def trust() -> Trust:
    return Trust([pki.root().der])


def viewer(me: str = VIEWER, peer: str = CAMERA, **options: object) -> Certified:
    chain = (pki.certificate(me.encode()), pki.middle().der)
    credential = Certified(
        key=SoftwareKey(pki.key(me)), chain=chain, identity=me, peer=peer, trust=trust()
    )
    return replace(credential, **options)  # type: ignore[arg-type]


def request(*policies: SrtpPolicy) -> bytes:
    """Return what the viewer asks."""
    offered = policies or (SrtpPolicy(),)
    initiator = Initiator(viewer(), method=Method.RSA_R, policies=offered)
    return initiator.start((Stream(), Stream(7)))


@pytest.mark.rule("R7826-C.1.4.1-1")
@pytest.mark.parametrize("transport", ["udp", "tcp"])
@asynchronous
async def test_media_flow_under_keys_by_rsa_r(parties: Parties, transport: str) -> None:
    async with await rtsp.Server.open(
        [counting(20), counting(9)], options=replace(parties.server, roc=3), tls=parties.server_tls
    ) as server:
        options = rtsp.Options(transport=transport)
        seen = await received(server.url, options, parties.tls, settings=parties.settings)
    assert len(seen.packets) == 29
    for stream in seen.session.streams:
        assert (stream.rtp.rejected, stream.rtcp.rejected, stream.lost) == (0, 0, 0)
        assert stream.rtcp.verified >= 1
        assert stream.roc == 3  # which the answer says
        assert stream.outgoing_key not in (None, stream.incoming_key)
        assert stream.keys.incoming.bundle.peer == CAMERA
    keys = {stream.incoming_key.key.expose() for stream in seen.session.streams}
    assert len(keys) == 2
    assert "RTSP 2.0" in seen.session.choice.reason


@pytest.mark.rule("R7826-C.1.4.1-1")
@asynchronous
async def test_what_is_said_in_rtsp_2(parties: Parties) -> None:
    """One answer, octet by octet: no key in the SDP, our certificate, our policies, one chosen."""
    async with (
        await rtsp.Server.open(
            [counting(1)], options=parties.server, tls=parties.server_tls
        ) as server,
        await rtsp.Client.connect(server.url, tls=parties.tls, settings=parties.settings) as client,
    ):
        presentation = await client.describe()
        assert presentation.messages() == ()
        assert presentation.tracks[0].profile == "RTP/SAVP"
        asked = request(SrtpPolicy.AES_CM_128_HMAC_SHA1_32, SrtpPolicy())
        message = Message.parse(asked)
        assert message.header.data_type is DataType.RSA_R_INIT
        assert len(message.all(Sp)) == 2
        assert [cert.cert_type for cert in message.all(Cert)] == [CertType.X509] * 2
        transport = Transport(
            profile="RTP/SAVP", dest_addr=(":40000", ":40001"), mikey=asked
        ).encode()
        plain = Transport(profile="RTP/SAVP", dest_addr=(":40000", ":40001")).encode()
        response = await client.request(
            "SETUP",
            presentation.tracks[0].control,
            Headers({"Transport": f"{plain},{transport}", "Accept-Ranges": "npt"}),
        )
        assert response.version == "RTSP/2.0"
        assert response.headers["Accept-Ranges"] == "npt"
        assert "Time-Progressing" in response.headers["Media-Properties"]
        (agreed,) = parse_transport(response.headers["Transport"])
        assert agreed.dest_addr == ("127.0.0.1:40000", "127.0.0.1:40001")
        assert [address.rpartition(":")[0] for address in agreed.src_addr] == ["127.0.0.1"] * 2
        assert agreed.mikey is not None
        answer = Message.parse(agreed.mikey)
        assert answer.header.data_type is DataType.RSA_R_RESP
        assert answer.one(Sp) == SrtpPolicy().to_sp(1)
        assert answer.one(Pke).c is CacheType.CACHE
        played = await client.request(
            "PLAY", presentation.uri_of(None), Headers({"Session": response.headers["Session"]})
        )
        assert f" ssrc={agreed.ssrc[0]:08X}:seq=" in played.headers["RTP-Info"]


@pytest.mark.rule("R7826-C.1.4.1-1")
@asynchronous
async def test_466_says_why_the_keys_were_refused(parties: Parties) -> None:
    gcm = replace(parties.server, srtp=SrtpPolicy.AEAD_AES_256_GCM)
    async with await rtsp.Server.open([counting(5)], options=gcm, tls=parties.server_tls) as server:
        seen = await received(server.url, tls=parties.tls, settings=parties.settings)
        assert seen.session.streams[0].policy.name == "AEAD_AES_256_GCM"
        with pytest.raises(
            rtsp.RefusedError, match=r"466 .*: peer reports error 10 \(INVALID-SPPAR\)"
        ) as caught:
            await received(
                server.url,
                rtsp.Options(srtp=SrtpPolicy()),
                parties.tls,
                settings=parties.settings,
            )
        assert caught.value.status == 466


@pytest.mark.rule("R7826-C.1.4.1-1")
@pytest.mark.parametrize(
    ("specs", "status"),
    [
        ('RTP/SAVP;unicast;dest_addr=":4000"/":4001"', 403),
        ('RTP/SAVP;unicast;dest_addr=":4000"/":4001";MIKEY=?', 466),
        ('RTP/SAVP;unicast;dest_addr=":4000"/":4001";MIKEY=AQEB', 466),
        ('RTP/SAVP;unicast;dest_addr=":4000"/":4001";MIKEY={psk}', 466),
        ('RTP/SAVP;unicast;dest_addr=":4000";MIKEY={good}', 461),
        ('RTP/SAVP;unicast;dest_addr="192.0.2.1:4000"/"192.0.2.1:4001";MIKEY={good}', 461),
        ('RTP/SAVP;unicast;dest_addr="4000"/"4001";MIKEY={good}', 400),
        ("RTP/SAVP;unicast;client_port=4000-4001;MIKEY={good}", 461),
        ('RTP/AVP;unicast;dest_addr=":4000"/":4001"', 461),
    ],
)
@asynchronous
async def test_transports_that_are_refused(parties: Parties, specs: str, status: int) -> None:
    """Without a key 403, with one of no use 466, and packets go to nobody else."""
    good = Transport(profile="RTP/SAVP", mikey=request()).encode().partition("MIKEY=")[2]
    psk = "AQAFAP1td9ABAADpbeu+AAAAAAsA6Xu0GbYHQ/0KEPEUxKOjo3xmeD2UR3JmqkQBAAAAEgABAQEBEAIBAQMBFAcB"
    async with (
        await rtsp.Server.open(
            [counting(1)], options=parties.server, tls=parties.server_tls
        ) as server,
        await rtsp.Client.connect(server.url, tls=parties.tls, settings=parties.settings) as client,
    ):
        control = (await client.describe()).tracks[0].control
        headers = Headers({"Transport": specs.format(good=good, psk=psk)})
        with pytest.raises(rtsp.RefusedError) as caught:
            await client.request("SETUP", control, headers)
        assert caught.value.status == status


@pytest.mark.rule("R7826-C.1.4.1-1")
@asynchronous
async def test_another_method_of_the_same_certificate_is_no_rsa_r(parties: Parties) -> None:
    initiator = Initiator(viewer(), method=Method.DH_SIGN)
    first = initiator.start((Stream(), Stream(7)))
    async with (
        await rtsp.Server.open(
            [counting(1)], options=parties.server, tls=parties.server_tls
        ) as server,
        await rtsp.Client.connect(server.url, tls=parties.tls, settings=parties.settings) as client,
    ):
        control = (await client.describe()).tracks[0].control
        asked = Transport(profile="RTP/SAVP", lower="TCP", interleaved=(0, 1), mikey=first)
        with pytest.raises(rtsp.RefusedError, match="466"):
            await client.request("SETUP", control, Headers({"Transport": asked.encode()}))


@asynchronous
async def test_who_is_not_the_one_whom_we_expect(parties: Parties) -> None:
    strangers = replace(parties.settings, credential=viewer(peer="rtsps://localhost/other"))
    async with await rtsp.Server.open(
        [counting(5)], options=parties.server, tls=parties.server_tls
    ) as server:
        with pytest.raises(PeerError):
            await received(server.url, tls=parties.tls, settings=strangers)
        trusted = Trust([pki.authority("Somebody else").der])
        doubting = replace(parties.settings, credential=viewer(trust=trusted))
        with pytest.raises(PeerError, match=r"certif|anchor|trust"):
            await received(server.url, tls=parties.tls, settings=doubting)


@pytest.mark.rule("R7826-C.1.4.1-1")
@asynchronous
async def test_keys_by_rsa_r_need_tls_with_a_server_that_is_verified(parties: Parties) -> None:
    with pytest.raises(LocalError, match="inside TLS"):
        await rtsp.Server.open([counting(1)], options=parties.server)
    async with await rtsp.Server.open(
        [counting(1)], options=parties.server, tls=parties.server_tls
    ) as server:
        with pytest.raises(rtsp.UntrustedError):
            await received(server.url, settings=parties.settings)
        for url, tls in (
            (server.url.replace("rtsps:", "rtsp:"), parties.tls),
            (server.url, rtsp.Tls(insecure=True)),
        ):
            with pytest.raises(LocalError, match="verified"):
                await received(url, tls=tls, settings=parties.settings)
        for options in (
            rtsp.Options(psk=Psk(Secret(bytes(16)), "rtsp:client", "rtsp:server")),
            rtsp.Options(profile="onvif-cm"),
            rtsp.Options(flow=KeyFlow.TWO_KEYS),
        ):
            with pytest.raises(LocalError, match="one way of keying"):
                await received(server.url, options, tls=parties.tls, settings=parties.settings)
        seen = await received(server.url, tls=parties.tls, settings=parties.settings)
        assert len(seen.packets) == 1


@asynchronous
async def test_each_version_refuses_the_other(parties: Parties) -> None:
    old = rtsp.Settings(policy=Policy(allow_null=True), timeout=5.0)
    for options, settings in (
        (parties.server, old),
        (rtsp.ServerOptions(), parties.settings),
    ):
        async with await rtsp.Server.open(
            [counting(1)], options=options, tls=parties.server_tls
        ) as server:
            with pytest.raises(rtsp.RefusedError, match="505"):
                await received(server.url, tls=parties.tls, settings=settings)


@asynchronous
async def test_there_are_no_new_keys_in_a_session(parties: Parties) -> None:
    async with (
        await rtsp.Server.open(
            [counting(50)], options=parties.server, tls=parties.server_tls
        ) as server,
        rtsp.playing(server.url, tls=parties.tls, settings=parties.settings) as session,
    ):
        with pytest.raises(LocalError, match="server makes the keys"):
            await session.rekey()
        with pytest.raises(LocalError, match="no message for new keys"):
            await server.clients[0].rekey()
        with pytest.raises(rtsp.RefusedError, match="451"):
            await session.ask_keys()


def test_options_that_do_not_fit(parties: Parties) -> None:
    with pytest.raises(LocalError, match="one way of keying"):
        replace(parties.server, flow=KeyFlow.TWO_KEYS)
    with pytest.raises(LocalError, match="not its URL"):
        rtsp.Settings(credential=viewer(url="http://example.com/viewer.cer"))


@pytest.mark.parametrize("kept", [0, 1])
@asynchronous
async def test_an_answer_for_other_streams(
    parties: Parties, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """In RSA-R the server describes the crypto sessions: it may leave some out."""
    finish = Keyring.finish

    def finished(self: Keyring, initiator: Initiator, octets: bytes) -> Bundle:
        bundle = finish(self, initiator, octets)
        return replace(bundle, sessions=bundle.sessions[:kept])

    monkeypatch.setattr(Keyring, "finish", finished)
    async with await rtsp.Server.open(
        [counting(1)], options=parties.server, tls=parties.server_tls
    ) as server:
        with pytest.raises(PeerError, match="not for the server's stream and ours"):
            await received(server.url, None, parties.tls, settings=parties.settings)
