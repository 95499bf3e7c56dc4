//go:build linux && cgo

package dnn

import (
	"encoding/json"
	"fmt"
	"strings"

	"contig-gpu/gpu/internal/driver"
)

// WorkspacesJSON writes what Workspaces reads.
func WorkspacesJSON(version string, cards map[string][]Workspace) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "{\"library\": %q, \"rows\": {", version)
	for i, name := range Cards() {
		fmt.Fprintf(&b, "%s\n %q: [", strings.Repeat(",", min(i, 1)), name)
		for j, w := range cards[name] {
			row, err := json.Marshal(rowOf(w))
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&b, "%s\n  %s", strings.Repeat(",", min(j, 1)), row)
		}
		b.WriteString("]")
	}
	b.WriteString("}}\n")
	return []byte(b.String())
}

// Wheels returns the folder of the vendor's wheels, see wheels.
var Wheels = wheels

// RoundedScratch returns the scratch memory of a gradient that is rounded and then added.
func RoundedScratch(c driver.Conv, plan int) int {
	_, all := roundedScratch(c, plan)
	return all
}
