// A peer for the tests of SRTP: pion/srtp behind standard input and output.
//
// Arguments: protect or unprotect, the name of a policy, master key and salt in hex, the MKI in
// hex (may be empty), and the ROC of the SSRC given last in hex. Each line of input is "rtp" or
// "rtcp" and a packet in hex; each line of output is the packet that comes out, or "error" and why.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/pion/srtp/v3"
)

var profiles = map[string]srtp.ProtectionProfile{
	"AES_CM_128_HMAC_SHA1_80": srtp.ProtectionProfileAes128CmHmacSha1_80,
	"AES_CM_128_HMAC_SHA1_32": srtp.ProtectionProfileAes128CmHmacSha1_32,
	"AES_256_CM_HMAC_SHA1_80": srtp.ProtectionProfileAes256CmHmacSha1_80,
	"AES_256_CM_HMAC_SHA1_32": srtp.ProtectionProfileAes256CmHmacSha1_32,
	"NULL_HMAC_SHA1_80":       srtp.ProtectionProfileNullHmacSha1_80,
	"AEAD_AES_128_GCM":        srtp.ProtectionProfileAeadAes128Gcm,
	"AEAD_AES_256_GCM":        srtp.ProtectionProfileAeadAes256Gcm,
}

type transform func(dst, packet []byte) ([]byte, error)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 7 {
		return fmt.Errorf("want: protect|unprotect policy key salt mki roc ssrc")
	}
	transforms, err := open(arguments)
	if err != nil {
		return err
	}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	output := bufio.NewWriter(os.Stdout)
	for input.Scan() {
		kind, digits, _ := strings.Cut(input.Text(), " ")
		packet, err := hex.DecodeString(digits)
		if err != nil {
			return err
		}
		if out, err := transforms[kind](nil, packet); err != nil {
			fmt.Fprintln(output, "error", err)
		} else {
			fmt.Fprintln(output, hex.EncodeToString(out))
		}
	}
	if err := input.Err(); err != nil {
		return err
	}
	return output.Flush()
}

// open makes the context and returns what to do with a packet of each kind.
func open(arguments []string) (map[string]transform, error) {
	profile, known := profiles[arguments[1]]
	if !known {
		return nil, fmt.Errorf("no profile for %s", arguments[1])
	}
	var secrets [3][]byte
	for i := range secrets {
		octets, err := hex.DecodeString(arguments[2+i])
		if err != nil {
			return nil, err
		}
		secrets[i] = octets
	}
	options := []srtp.ContextOption{srtp.SRTPReplayProtection(128), srtp.SRTCPReplayProtection(128)}
	if len(secrets[2]) > 0 {
		options = append(options, srtp.MasterKeyIndicator(secrets[2]))
	}
	context, err := srtp.CreateContext(secrets[0], secrets[1], profile, options...)
	if err != nil {
		return nil, err
	}
	roc, err := strconv.ParseUint(arguments[5], 10, 32)
	if err != nil {
		return nil, err
	}
	ssrc, err := strconv.ParseUint(arguments[6], 16, 32)
	if err != nil {
		return nil, err
	}
	context.SetROC(uint32(ssrc), uint32(roc))
	if arguments[0] == "protect" {
		return map[string]transform{
			"rtp":  func(dst, in []byte) ([]byte, error) { return context.EncryptRTP(dst, in, nil) },
			"rtcp": func(dst, in []byte) ([]byte, error) { return context.EncryptRTCP(dst, in, nil) },
		}, nil
	}
	return map[string]transform{
		"rtp":  func(dst, in []byte) ([]byte, error) { return context.DecryptRTP(dst, in, nil) },
		"rtcp": func(dst, in []byte) ([]byte, error) { return context.DecryptRTCP(dst, in, nil) },
	}, nil
}
