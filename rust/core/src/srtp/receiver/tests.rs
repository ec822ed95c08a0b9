//! Which master keys a receiver still takes after a rekey.

use super::super::{Cipher, Sender};
use super::*;

const SSRC: u32 = 0xCAFE_BABE;
const WINDOW: u32 = 64;

fn profile(tag: usize) -> Profile {
    Profile::new(Cipher::AesCm, 16, (tag, 10), 0, (true, true)).unwrap()
}

fn key(seed: u8, valid: Option<(u64, u64)>) -> MasterKey {
    let mki = if valid.is_some() { vec![] } else { vec![seed] };
    let (from, to) = (valid.map(|valid| valid.0), valid.map(|valid| valid.1));
    MasterKey::new(&profile(10), &[seed; 16], &[seed; 14], &mki, from, to).unwrap()
}

fn receiver(keys: Vec<MasterKey>) -> Receiver {
    let lifetime = Lifetime::default();
    Receiver::new(profile(10), keys, Some(SSRC), (0, 0), WINDOW, lifetime).unwrap()
}

/// Hand over the SRTP packet of index `index` under a key.
fn rtp(receiver: &mut Receiver, key: MasterKey, index: u64) -> Result<(), Rejection> {
    let roc = (index >> 16) as u32;
    let profile = receiver.profile().clone();
    let mut sender = Sender::new(profile, vec![key], SSRC, roc, 0, Lifetime::default()).unwrap();
    let mut packet = vec![0x80, 96, (index >> 8) as u8, index as u8, 0, 0, 0, 0];
    packet.extend(SSRC.to_be_bytes());
    packet.extend(*b"payload");
    let mut srtp = vec![0; packet.len() + sender.rtp_overhead()];
    sender.protect(&packet, &mut srtp).unwrap();
    let mut plain = vec![0; packet.len()];
    receiver.unprotect(&srtp, &mut plain)?;
    assert_eq!(plain, packet);
    Ok(())
}

/// Hand over the SRTCP packet of index `index` under a key.
fn rtcp(receiver: &mut Receiver, key: MasterKey, index: u32) -> Result<(), Rejection> {
    let profile = receiver.profile().clone();
    let mut sender = Sender::new(profile, vec![key], SSRC, 0, index, Lifetime::default()).unwrap();
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(SSRC.to_be_bytes());
    let mut srtcp = vec![0; packet.len() + sender.rtcp_overhead()];
    sender.protect_rtcp(&packet, &mut srtcp).unwrap();
    receiver.unprotect_rtcp(&srtcp, &mut vec![0; packet.len()])
}

fn is_replaced(result: Result<(), Rejection>) -> bool {
    matches!(result, Err(Rejection::NoKey(reason)) if reason.contains("replaced"))
}

fn is_unknown(result: Result<(), Rejection>) -> bool {
    matches!(result, Err(Rejection::NoKey(reason)) if reason.contains("unknown"))
}

#[test]
fn an_old_key_takes_only_what_was_sent_before_the_switch() {
    let mut receiver = receiver(vec![key(1, None)]);
    receiver.install(vec![key(2, None)]).unwrap();
    for index in [100, 104] {
        rtp(&mut receiver, key(1, None), index).unwrap(); // not switched yet
    }
    rtp(&mut receiver, key(2, None), 110).unwrap();
    rtp(&mut receiver, key(1, None), 109).unwrap();
    assert!(is_replaced(rtp(&mut receiver, key(1, None), 111)));
    rtp(&mut receiver, key(2, None), 106).unwrap(); // earlier than thought
    assert!(is_replaced(rtp(&mut receiver, key(1, None), 108)));
    rtp(&mut receiver, key(1, None), 105).unwrap();
    // SRTCP has a switch of its own.
    rtcp(&mut receiver, key(1, None), 7).unwrap();
    rtcp(&mut receiver, key(2, None), 9).unwrap();
    rtcp(&mut receiver, key(1, None), 8).unwrap();
    assert!(is_replaced(rtcp(&mut receiver, key(1, None), 10)));
}

#[test]
fn an_old_key_is_erased_when_a_window_has_gone_past() {
    let last = 110 + u64::from(WINDOW) - 1;
    for by_rtcp in [false, true] {
        let mut receiver = receiver(vec![key(1, None)]);
        receiver.install(vec![key(2, None)]).unwrap();
        let mut take = |seed, index: u64| {
            if by_rtcp {
                rtcp(&mut receiver, key(seed, None), index as u32)
            } else {
                rtp(&mut receiver, key(seed, None), index)
            }
        };
        take(1, 108).unwrap();
        take(2, 110).unwrap();
        take(2, last - 1).unwrap();
        take(1, 109).unwrap();
        take(2, last).unwrap();
        assert!(is_unknown(take(1, last + 1)));
        assert_eq!(receiver.keys.count(), 1);
        // For the other protocol it is gone as well, and it does not come back.
        assert!(is_unknown(rtp(&mut receiver, key(1, None), last + 2)));
        assert!(is_unknown(rtcp(
            &mut receiver,
            key(1, None),
            last as u32 + 2
        )));
        receiver.install(vec![key(2, None), key(1, None)]).unwrap();
        assert_eq!(receiver.keys.count(), 1);
        assert!(receiver.install(vec![key(1, None)]).is_err());
    }
}

#[test]
fn keys_that_came_together_do_not_end_each_other() {
    let mut receiver = receiver(vec![key(1, None), key(2, None), key(3, None)]);
    for index in 0..300 {
        let seed = [2, 1, 3, 1][index as usize % 4];
        rtp(&mut receiver, key(seed, None), index).unwrap();
        rtcp(&mut receiver, key(seed, None), index as u32).unwrap();
    }
    assert_eq!(receiver.keys.count(), 3);
    receiver.install(vec![key(4, None), key(5, None)]).unwrap();
    for index in 300..600 {
        rtp(&mut receiver, key(4 + (index % 2) as u8, None), index).unwrap();
    }
    assert_eq!(receiver.keys.count(), 2);
}

#[test]
fn a_key_that_was_skipped_ends_with_those_before_it() {
    let mut receiver = receiver(vec![key(1, None)]);
    for seed in [2, 3] {
        receiver.install(vec![key(seed, None)]).unwrap();
    }
    rtp(&mut receiver, key(3, None), 50).unwrap();
    for seed in [1, 2] {
        assert!(is_replaced(rtp(&mut receiver, key(seed, None), 51)));
        rtp(&mut receiver, key(seed, None), 40 + u64::from(seed)).unwrap();
    }
}

#[test]
fn a_key_is_used_again_beyond_a_range_within_its_own() {
    let (whole, part) = (Some((0, 1 << 40)), Some((100, 199)));
    let mut receiver = receiver(vec![key(1, whole)]);
    receiver.install(vec![key(2, part)]).unwrap();
    for (seed, valid, index) in [(1, whole, 99), (2, part, 100), (2, part, 199)] {
        rtp(&mut receiver, key(seed, valid), index).unwrap();
    }
    let early = rtp(&mut receiver, key(1, whole), 150);
    assert_eq!(early, Err(Rejection::Authentication));
    for index in 200..400 {
        rtp(&mut receiver, key(1, whole), index).unwrap();
    }
}

#[test]
fn a_range_that_goes_on_for_ever_erases_the_one_before_it() {
    let (first, second) = (Some((0, 99)), Some((100, 1 << 47)));
    let mut receiver = receiver(vec![key(1, first)]);
    receiver.install(vec![key(2, second)]).unwrap();
    rtp(&mut receiver, key(2, second), 101).unwrap();
    rtp(&mut receiver, key(1, first), 99).unwrap();
    rtp(&mut receiver, key(2, second), 99 + u64::from(WINDOW)).unwrap();
    assert_eq!(receiver.keys.count(), 2); // 101 is the first that is known of the second
    rtp(&mut receiver, key(2, second), 100 + u64::from(WINDOW)).unwrap();
    assert_eq!(receiver.keys.count(), 1);
}

/// Before its first SRTP packet a sender has no index yet, and its reports take the newest key.
#[test]
fn a_report_does_not_end_a_key_whose_range_comes_first() {
    let (first, second) = (Some((1000, 1999)), Some((2000, 1 << 47)));
    let mut receiver = receiver(vec![key(1, first)]);
    receiver.install(vec![key(2, second)]).unwrap();
    for index in 0..2 * WINDOW {
        rtcp(&mut receiver, key(2, second), index).unwrap();
    }
    rtp(&mut receiver, key(1, first), 1000).unwrap();
    rtcp(&mut receiver, key(1, first), 2 * WINDOW).unwrap();
    rtp(&mut receiver, key(2, second), 2000).unwrap();
    rtp(&mut receiver, key(1, first), 1999).unwrap();
    rtp(&mut receiver, key(2, second), 1999 + u64::from(WINDOW)).unwrap();
    assert_eq!(receiver.keys.count(), 1);
}

#[test]
fn packets_that_prove_nothing_end_no_key() {
    let lifetime = Lifetime::default();
    let keys = vec![key(1, None)];
    let mut receiver =
        Receiver::new(profile(0), keys, Some(SSRC), (0, 0), WINDOW, lifetime).unwrap();
    receiver.install(vec![key(2, None)]).unwrap();
    rtp(&mut receiver, key(2, None), 10).unwrap();
    rtp(&mut receiver, key(1, None), 11).unwrap();
    rtcp(&mut receiver, key(2, None), 0).unwrap();
    assert!(is_replaced(rtcp(&mut receiver, key(1, None), 1)));
}

#[test]
fn a_receiver_without_mki_takes_no_report_of_an_old_key_after_the_switch() {
    let all = Some((0, 1 << 47));
    let mut receiver = receiver(vec![key(1, all)]);
    receiver.install(vec![key(2, all)]).unwrap();
    rtcp(&mut receiver, key(1, all), 0).unwrap();
    rtcp(&mut receiver, key(2, all), 2).unwrap();
    rtcp(&mut receiver, key(1, all), 1).unwrap();
    let late = rtcp(&mut receiver, key(1, all), 3);
    assert_eq!(late, Err(Rejection::Authentication));
}

#[test]
fn rekeying_for_ever_takes_no_more_memory() {
    let mut receiver = receiver(vec![key(0, None)]);
    let mut most = 0;
    for seed in 1..=200 {
        receiver.install(vec![key(seed, None)]).unwrap();
        rtp(&mut receiver, key(seed, None), 100 * u64::from(seed)).unwrap();
        assert_eq!(receiver.keys.count(), 2);
        if seed == 50 {
            most = receiver.memory();
        }
    }
    assert_eq!(receiver.memory(), most);
}
