package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/data"
	"contig-gpu/model/setting"
)

// extremes are values that no setting is meant to have, and some that few are.
func extremes() []string {
	return []string{"0", "-1", "1000000", "1000000000", strconv.Itoa(1 << 31), strconv.Itoa(1 << 62), "1e308", "-1e308", "1e-308", "NaN", "Inf", "-Inf", "99999999999999999999", "9223372036854775807"}
}

// TestExtremeSettingsArePlanned: whatever number a setting is given, plan and plan explain answer with a plan, a usage error or a numbered one:
// nothing is taken for it, nothing overflows and nothing panics.
func TestExtremeSettingsArePlanned(t *testing.T) {
	shape := []string{"--device=cpu", "--encoder=resnet18", "--image-size=32", "--batch=2", "--hidden=8", "--embedding=4", "--features=3,5"}
	for _, v := range []struct {
		verb []string
		rows []setting.Row
	}{{[]string{"plan"}, newPlanSettings().rows()}, {[]string{"plan", "explain"}, newExplainPlanSettings().rows()}} {
		for _, r := range v.rows {
			if r.Bool() || r.Name == "device" || r.Name == "threads" || r.Name == "windows" || r.Name == "seconds" {
				continue
			}
			for _, x := range extremes() {
				args := append(append([]string{}, v.verb...), given(v.rows, shape)...)
				answered(t, append(args, "--"+r.Name+"="+x))
			}
		}
	}
}

// given returns those of args whose flags a verb has.
func given(rows []setting.Row, args []string) []string {
	var out []string
	for _, a := range args {
		for _, r := range rows {
			if strings.HasPrefix(a, "--"+r.Name+"=") {
				out = append(out, a)
			}
		}
	}
	return out
}

// answered runs the program, which must end by itself: without an error, or with one that says what is wrong.
func answered(t *testing.T, args []string) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%v: panic: %.200v", args, r)
		}
	}()
	var out bytes.Buffer
	err := run(context.Background(), args, &out, &out)
	var p *data.Problem
	var use usageError
	if err != nil && !errors.As(err, &p) && !errors.As(err, &use) {
		t.Errorf("%v: an error without a number: %v", args, err)
	}
	if len(fmt.Sprint(err)) > 4<<10 {
		t.Errorf("%v: an error of %d bytes", args, len(fmt.Sprint(err)))
	}
}

// TestExtremesAreRefusedOrHeld: a number that a setting accepts is finite in single precision, and whole numbers that shapes follow from are small
// enough for the products of plans.
func TestExtremesAreRefusedOrHeld(t *testing.T) {
	s := newSettings(setting.Default)
	for _, r := range s.rows() {
		for _, x := range extremes() {
			if r.Bool() || r.Parse(x) != nil {
				continue
			}
			if v, ok := r.Value().(float64); ok && float64(float32(v)) > 3.4e38 {
				t.Errorf("--%s takes %s", r.Name, x)
			}
		}
	}
	for _, name := range []string{"batch", "hidden", "embedding", "image-size", "chunk", "accumulate"} {
		for _, r := range s.rows() {
			if r.Name == name && r.Parse(strconv.Itoa(setting.MostSize+1)) == nil {
				t.Errorf("--%s takes more than %d", name, setting.MostSize)
			}
		}
	}
}
