package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"
)

// talkFlags are those of verbs that write something and say so.
func talkFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "quiet", Usage: "print warnings and errors only"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON object of what was written, and nothing else on stdout"},
	}
}

// speaking returns where a verb says what happens on the way: stdout, stderr where stdout is one JSON object, nowhere with --quiet.
func speaking(c *cli.Context) io.Writer {
	switch {
	case c.Bool("quiet"):
		return io.Discard
	case c.Bool("json"):
		return c.App.ErrWriter
	}
	return c.App.Writer
}

// note says a line on the way. A warning is said whatever is asked for.
func note(c *cli.Context, text string) error {
	w := speaking(c)
	if w == io.Discard && warns(text) {
		w = c.App.ErrWriter
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// result says at the end what was written: text, or with --json the object.
func result(c *cli.Context, text string, object any) error {
	if c.Bool("json") {
		return json.NewEncoder(c.App.Writer).Encode(object)
	}
	_, err := fmt.Fprint(speaking(c), text)
	return err
}
