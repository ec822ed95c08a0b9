// Package main runs gortsplib as the peer of an RTSP test: a server of JPEG pictures over SRTP
// with MIKEY, or a client that decodes them. Both write one line of JSON for each event.
//
//	gortsplib server CERTIFICATE KEY FRAMES
//	gortsplib client URL udp|tcp FRAMES
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: server CERTIFICATE KEY FRAMES | client URL udp|tcp FRAMES")
	}
	frames, err := strconv.Atoi(os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	switch os.Args[1] {
	case "server":
		err = serve(os.Args[2], os.Args[3], frames)
	case "client":
		err = play(os.Args[2], os.Args[3], frames)
	default:
		err = fmt.Errorf("neither server nor client: %s", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
}

func tell(event map[string]any) {
	line, err := json.Marshal(event)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}
