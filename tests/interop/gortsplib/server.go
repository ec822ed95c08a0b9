package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"
	"github.com/pion/rtcp"
)

const interval = 5 * time.Millisecond

type handler struct {
	stream  *gortsplib.ServerStream
	media   *description.Media
	encoder *rtpmjpeg.Encoder // one for all sessions: they share the stream's SRTP context
	frames  int
}

func (h *handler) OnDescribe(
	*gortsplib.ServerHandlerOnDescribeCtx,
) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, h.stream, nil
}

func (h *handler) OnSetup(
	*gortsplib.ServerHandlerOnSetupCtx,
) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, h.stream, nil
}

func (h *handler) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	ctx.Session.OnPacketRTCPAny(func(_ *description.Media, packet rtcp.Packet) {
		tell(map[string]any{"rtcp": fmt.Sprintf("%T", packet)})
	})
	go h.send(ctx.Session)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (h *handler) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	tell(map[string]any{"closed": fmt.Sprint(ctx.Error)})
}

// send writes the pictures, with a report behind each tenth.
func (h *handler) send(session *gortsplib.ServerSession) {
	jpeg, err := picture(320, 240)
	if err != nil {
		panic(err)
	}
	for frame := 1; frame <= h.frames; frame++ {
		time.Sleep(interval)
		packets, err := h.encoder.Encode(jpeg)
		if err != nil {
			panic(err)
		}
		for _, packet := range packets {
			packet.Timestamp = uint32(frame) * 3000
			if err := h.stream.WritePacketRTP(h.media, packet); err != nil {
				return // the session is closed
			}
		}
		if frame%10 == 0 {
			report := &rtcp.SenderReport{SSRC: packets[0].SSRC, PacketCount: uint32(frame)}
			stats := session.Stats().Medias[h.media]
			for _, sent := range stats.Formats {
				report.SSRC = sent.LocalSSRC
			}
			if err := h.stream.WritePacketRTCP(h.media, report); err != nil {
				return
			}
		}
	}
}

func serve(certificate, key string, frames int) error {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	mjpeg := &format.MJPEG{}
	encoder, err := mjpeg.CreateEncoder()
	if err != nil {
		return err
	}
	h := &handler{frames: frames, encoder: encoder, media: &description.Media{
		Type: description.MediaTypeVideo, Formats: []format.Format{mjpeg},
	}}
	rtp, rtcp, err := freePair()
	if err != nil {
		return err
	}
	server := &gortsplib.Server{
		Handler:        h,
		TLSConfig:      &tls.Config{Certificates: []tls.Certificate{pair}},
		RTSPAddress:    "127.0.0.1:0",
		UDPRTPAddress:  rtp,
		UDPRTCPAddress: rtcp,
	}
	if err := server.Start(); err != nil {
		return err
	}
	h.stream = &gortsplib.ServerStream{
		Server: server, Desc: &description.Session{Medias: []*description.Media{h.media}},
	}
	if err := h.stream.Initialize(); err != nil {
		return err
	}
	tell(map[string]any{"port": server.NetListener().Addr().(*net.TCPAddr).Port})
	return server.Wait()
}

// freePair finds an even UDP port whose successor is free too.
func freePair() (string, string, error) {
	for i := 0; i < 100; i++ {
		first, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		port := first.LocalAddr().(*net.UDPAddr).Port
		next := fmt.Sprintf("127.0.0.1:%d", port+1)
		second, err := net.ListenPacket("udp", next)
		first.Close()
		if err != nil {
			continue
		}
		second.Close()
		if port%2 == 0 {
			return first.LocalAddr().String(), next, nil
		}
	}
	return "", "", fmt.Errorf("no pair of ports is free")
}
