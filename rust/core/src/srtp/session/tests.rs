//! The published packets and key streams, under their session keys.

use super::*;
use crate::vectors::{array, load, number, octets};
use serde_json::Value;

#[test]
fn counter_mode_makes_the_key_streams_of_the_rfcs() {
    let mut checked = 0;
    for vector in load(&["srtp-rfc3711", "srtp-rfc6188"], "aes-cm") {
        let aes = Aes::new(&octets(&vector["key"]));
        let salt: [u8; 14] = array(&vector["salt"]);
        let mut stream = vec![0; vector["keystream_octets"].as_u64().unwrap() as usize];
        let index = vector["index"].as_u64().unwrap();
        CounterMode::new(aes, salt).apply(number(&vector["ssrc"]), index, &mut stream);
        for block in vector["blocks"].as_array().unwrap() {
            let counter: [u8; 16] = array(&block["counter"]);
            let at = 16 * usize::from(u16::from_be_bytes([counter[14], counter[15]]));
            assert_eq!(stream[at..at + 16], octets(&block["keystream"]));
            checked += 1;
        }
    }
    assert_eq!(checked, 18);
}

#[test]
fn f8_mode_encrypts_the_packet_of_rfc_3711() {
    let vector = &load(&["srtp-rfc3711"], "aes-f8")[0];
    let roc = u32::from_be_bytes(array(&vector["roc"]));
    let iv = F8Mode::rtp_iv(&octets(&vector["rtp_header"]), roc);
    assert_eq!(iv, array(&vector["iv"]));
    let mut data = octets(&vector["plaintext"]);
    F8Mode::new(&octets(&vector["key"]), &octets(&vector["salt"])).apply(iv, &mut data);
    assert_eq!(data, octets(&vector["ciphertext"]));
}

struct GcmCase {
    session: Session,
    place: Place,
    packet: Vec<u8>,
    protected: Vec<u8>,
    encrypted: bool,
}

fn gcm_cases(kind: &str) -> Vec<GcmCase> {
    let vectors = load(&["srtp-rfc7714"], kind);
    vectors.iter().map(gcm_case).collect()
}

fn gcm_case(vector: &Value) -> GcmCase {
    let mut salt = [0; 14];
    salt[..12].copy_from_slice(&octets(&vector["salt"]));
    GcmCase {
        session: Session {
            encryption: Encryption::Gcm(Gcm::new(&octets(&vector["key"]), &salt)),
            auth: None,
        },
        place: Place {
            ssrc: number(&vector["ssrc"]),
            index: vector["index"].as_u64().unwrap(),
        },
        packet: octets(&vector["packet"]),
        protected: octets(&vector["protected"]),
        encrypted: vector["encrypted"].as_bool().unwrap(),
    }
}

#[test]
fn gcm_protects_the_srtp_packets_of_rfc_7714() {
    let cases = gcm_cases("gcm-srtp");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let end = case.packet.len();
        // The packets that are only authenticated count as all header.
        let header = if case.encrypted { 12 } else { end };
        let mut packet = case.packet.clone();
        packet.resize(end + GCM_TAG_LENGTH, 0);
        let session = &case.session;
        assert!(session.seal_rtp(&mut packet, header, end, case.place, b""));
        assert_eq!(packet, case.protected);
        let mut opened = vec![0; end];
        assert!(session.open_rtp(&case.protected, header, case.place, 0, &mut opened));
        assert_eq!(opened, case.packet);
    }
}

#[test]
fn gcm_protects_the_srtcp_packets_of_rfc_7714() {
    let cases = gcm_cases("gcm-srtcp");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let end = case.packet.len();
        let mut packet = case.packet.clone();
        packet.resize(end + GCM_TAG_LENGTH + INDEX_WORD, 0);
        let session = &case.session;
        assert!(session.seal_rtcp(&mut packet, end, case.place, case.encrypted, b""));
        assert_eq!(packet, case.protected);
        let mut opened = vec![0; end];
        assert!(session.open_rtcp(&case.protected, case.place, case.encrypted, 0, &mut opened));
        assert_eq!(opened, case.packet);
    }
}

#[test]
fn a_packet_beyond_the_key_stream_is_refused() {
    let aes = Aes::new(&[0; 16]);
    let session = Session {
        encryption: Encryption::Counter(CounterMode::new(aes, [0; 14])),
        auth: None,
    };
    let place = Place { ssrc: 0, index: 0 };
    let mut packet = vec![0; 12 + MAX_OCTETS + 1];
    let end = packet.len();
    assert!(!session.seal_rtp(&mut packet, 12, end, place, b""));
    assert!(session.seal_rtp(&mut packet[..end - 1], 12, end - 1, place, b""));
}
