package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strings"
)

// script adds values under the pointer and the arrow keys, and copying: a page is whole without it.
//
//go:embed script.js
var script string

// compact takes the indentation from the script.
func compact(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(l) + "\n")
	}
	return b.String()
}

// inline returns the script as an element, and the policy by which a browser runs this script alone, and lets the page ask for nothing.
func inline() (element, policy template.HTML) {
	text := compact(script)
	sum := sha256.Sum256([]byte(text))
	return template.HTML("<script>" + text + "</script>"),
		template.HTML(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-` +
			base64.StdEncoding.EncodeToString(sum[:]) + `'; base-uri 'none'; form-action 'none'">`)
}
