package main

import (
	"crypto/tls"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const limit = 10 * time.Second

func play(address, transport string, frames int) error {
	url, err := base.ParseURL(address)
	if err != nil {
		return err
	}
	protocol := gortsplib.ProtocolUDP
	if transport == "tcp" {
		protocol = gortsplib.ProtocolTCP
	}
	var failures []string
	client := &gortsplib.Client{
		Scheme: url.Scheme, Host: url.Host, Protocol: &protocol,
		TLSConfig:     &tls.Config{InsecureSkipVerify: true},
		OnDecodeError: func(err error) { failures = append(failures, err.Error()) },
	}
	if err := client.Start(); err != nil {
		return err
	}
	defer client.Close()
	desc, _, err := client.Describe(url)
	if err != nil {
		return err
	}
	var mjpeg *format.MJPEG
	media := desc.FindFormat(&mjpeg)
	if media == nil {
		return fmt.Errorf("no JPEG stream")
	}
	decoder, err := mjpeg.CreateDecoder()
	if err != nil {
		return err
	}
	if _, err := client.Setup(desc.BaseURL, media, 0, 0); err != nil {
		return err
	}
	decoded, shown, reports := 0, 0, 0
	done := make(chan struct{})
	client.OnPacketRTP(media, mjpeg, func(packet *rtp.Packet) {
		jpeg, err := decoder.Decode(packet)
		if err != nil {
			return // more packets needed
		}
		decoded++
		if showsBars(jpeg) {
			shown++
		}
		if decoded == frames {
			close(done)
		}
	})
	client.OnPacketRTCP(media, func(rtcp.Packet) { reports++ })
	if _, err := client.Play(nil); err != nil {
		return err
	}
	select {
	case <-done:
	case <-time.After(limit):
	}
	report := &rtcp.ReceiverReport{SSRC: ssrc(client, media)}
	if err := client.WritePacketRTCP(media, report); err != nil {
		return err
	}
	time.Sleep(50 * time.Millisecond) // for reports on their way
	stats := client.Stats().Session
	tell(map[string]any{
		"frames": decoded, "bars": shown, "rtcp": reports, "errors": failures,
		"rtp_in_error": stats.RTPPacketsInError, "rtcp_in_error": stats.RTCPPacketsInError,
	})
	return nil
}

func ssrc(client *gortsplib.Client, media *description.Media) uint32 {
	for _, sent := range client.Stats().Session.Medias[media].Formats {
		return sent.LocalSSRC
	}
	return 0
}
