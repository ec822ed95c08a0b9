package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// white, yellow, cyan, green, magenta, red, blue
var bars = []color.RGBA{
	{235, 235, 235, 255}, {235, 235, 16, 255}, {16, 235, 235, 255}, {16, 235, 16, 255},
	{235, 16, 235, 255}, {235, 16, 16, 255}, {16, 16, 235, 255},
}

func picture(width, height int) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := 0; y < height; y++ {
		for x := 0; x < width; x++ {
			img.Set(x, y, bars[x*len(bars)/width])
		}
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, img, nil)
	return out.Bytes(), err
}

func showsBars(encoded []byte) bool {
	img, err := jpeg.Decode(bytes.NewReader(encoded))
	if err != nil {
		return false
	}
	size := img.Bounds().Max
	for i, wanted := range bars {
		r, g, b, _ := img.At((2*i+1)*size.X/(2*len(bars)), size.Y/4).RGBA()
		if r>>8 > 96 != (wanted.R > 96) || g>>8 > 96 != (wanted.G > 96) || b>>8 > 96 != (wanted.B > 96) {
			return false
		}
	}
	return true
}
